"""Turn the finished tables into the files that senders would send, each line in one fixed order."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

COLUMNS = {
    "registrations_csv": """
        registration_id practice_code patient_id nhs_number family_name given_name date_of_birth postcode
        sex ethnic_category lsoa_code lsoa_vintage long_term_conditions registration_start
        registration_end end_reason extract_at""",
    "gp_appointments_csv": """
        appointment_id practice_code site_code patient_id nhs_number booked_at slot_start status hcp_type
        staff_role appt_mode national_category context_type service_setting clinician_id extract_at""",
    "referrals_csv": """
        referral_id practice_code client_id nhs_number route referrer_role referrer_id connector_model
        reason_codes decided_on received_on accepted_on rejected_on rejection_reason declined_on
        decline_reason on_hold_on closed_on closure_reason link_worker_id stated_by service_code
        shared_reference notes extract_at""",
    "activity_csv": """
        event_id referral_service referral_ref client_name nhs_number event session_date asset_id
        asset_name category delivery role cancelled_by recorded_at""",
}
TABLES = {
    "registrations_csv": "registration_rows",
    "gp_appointments_csv": "gp_appointment_rows",
    "referrals_csv": "referral_rows",
    "activity_csv": "activity_rows",
}
FREE_TEXT = {"notes", "asset_name"}  # the columns that may hold a comma or a quote


@dataclass
class File:
    """One file to be: its lines without line ends (a CSV's header first) and what is unusual about some of
    them.
    """

    feed: str
    sender: str
    name: str
    lines: list[str]
    kinds: dict[str, str] = field(default_factory=dict)  # text of a line -> kind, such as correction

    @property
    def header(self) -> list[str]:
        return [] if self.feed == "link_worker_jsonl" else self.lines[0].split(",")

    @property
    def records(self) -> int:
        return len(self.lines) - bool(self.header)


def files(con: duckdb.DuckDBPyConnection) -> list[File]:
    """Every clean file, ordered by feed, sender and name; records are ordered by their id."""
    found = []
    for feed, table in TABLES.items():
        columns = COLUMNS[feed].split()
        text = " || ',' || ".join(csv_value(column) for column in columns)
        found += fetch(
            con,
            feed,
            f"select sender, file, kind, {columns[0]} as key, {text} as text from {table}",
            ",".join(columns),
        )
    found += fetch(
        con,
        "link_worker_jsonl",
        "select sender, file, kind, recordedtime || key as key, text from link_worker_lines",
        None,
    )
    return sorted(found, key=lambda file: (file.feed, file.sender, file.name))


def fetch(con: duckdb.DuckDBPyConnection, feed: str, rows: str, header: str | None) -> list[File]:
    """Run `rows` (sender, file, kind, key, text) and gather the lines of each file."""
    grouped = con.execute(f"""
        select sender, file, list(text order by key),
               list({{'text': text, 'kind': kind}} order by key) filter (kind is not null)
        from ({rows}) group by sender, file
    """).fetchall()
    return [
        File(
            feed,
            sender,
            name,
            [*([header] if header else []), *texts],
            {row["text"]: row["kind"] for row in marked or []},
        )
        for sender, name, texts, marked in grouped
    ]


def csv_value(column: str) -> str:
    """SQL for one CSV field; only free text is ever quoted."""
    text = f"coalesce({column}::varchar, '')"
    if column not in FREE_TEXT:
        return text
    quoted = f"""'"' || replace({column}, '"', '""') || '"'"""
    return f"""if({column} like '%,%' or {column} like '%"%', {quoted}, {text})"""


def landing(root: Path, written: list[File]) -> None:
    """Write landing/<feed>/<sender>/<file> in UTF-8 with \\n."""
    for file in written:
        folder = root / "landing" / file.feed / file.sender
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(("\n".join(file.lines) + "\n").encode())


def table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows of one shape as CSV with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def truth(con: duckdb.DuckDBPyConnection, root: Path, parameters: dict[str, object]) -> None:
    """Write truth/people.parquet (one row a person), truth/referrals.parquet (one row a referral),
    truth/referral_pairs.csv (one row a referral that practice and service both report), truth/practices.csv and
    truth/parameters.json.
    """
    target = str(root / "truth" / "people.parquet").replace("'", "''")
    con.execute("set threads = 1")  # one thread writes one order of row groups
    con.execute(f"""
        copy (
            select p.id as person_id, p.nhs_number, p.number_held as nhs_number_sent, p.sex,
                   p.ethnic_category, p.date_of_birth,
                   p.imd_decile, p.need, coalesce(s.spells, 0) as illness_spells,
                   r.referrals is not null as referred,
                   coalesce(r.referrals, 0) as referrals, r.first_received_on, r.engaged_from,
                   if(r.engaged_from is null, 1.0, p.rate_ratio)::double as true_rate_ratio
            from people as p
            left join (select id, count(*) as spells from spells group by id) as s using (id)
            left join (select id, count(*) as referrals, min(received_on) as first_received_on,
                min(first_held) as engaged_from
                       from referrals group by id) as r using (id)
            order by person_id
        ) to '{target}' (format parquet)
    """)
    referred = str(root / "truth" / "referrals.parquet").replace("'", "''")
    con.execute(f"""
        copy (
            select service, 'R-' || serial as referral_id, id as person_id, practice_code, route, decided as decided_on,
                   received_on, accepted_on, declined_on, first_held as first_held_on, pull as engagement_pull
            from referrals order by service, serial
        ) to '{referred}' (format parquet)
    """)
    taken_up = str(root / "truth" / "practices.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select r.practice_code, r.began_on as refers_from, c.closed_on, s.code as successor,
                   m.since as next_system_from
            from rollouts as r left join closures as c using (practice_code) left join practices as s
                on s.number = c.successor left join migrations as m using (practice_code)
            order by 1
        )
        to '{taken_up}' (format csv, header)
    """)
    pairs = str(root / "truth" / "referral_pairs.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select practice_code as practice_sender, practice_reference, service as service_sender,
                   'R-' || serial as service_reference, shared_reference
            from requests order by all
        ) to '{pairs}' (format csv, header)
    """)
    (root / "truth" / "parameters.json").write_text(
        json.dumps(parameters, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
