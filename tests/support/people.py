"""A home in which one person is everywhere: every kind of file, row and table that an erasure has to reach."""

import json
import shutil
from pathlib import Path
from typing import Any

from ingestion import upkeep
from linkwork import engine
from linkwork.log.store import Store
from linkwork.privacy import subjects, vault
from linkwork.privacy.keys import load_keys
from linkwork.privacy.scan import Needles, ScanResult, scan
from linkwork.settings import Settings
from tests.support.faults import put, use_installed
from tests.support.log import add_sender, ingest, make_home

ANNA, BEN, CLEO = "9990000018", "9990000026", "9990000042"  # Anna is the one to be erased
NAME = "Quillfeather"  # hers, as it stands in free text and in registrations
SERVICE, PRACTICE = "ZSP01", "Z90001"
CLIENT = "c-anna"  # how the service names her where it has no NHS number

REFERRALS = (
    "referral_id,practice_code,client_id,nhs_number,route,referrer_role,referrer_id,connector_model,reason_codes,"
    "decided_on,received_on,accepted_on,rejected_on,rejection_reason,declined_on,decline_reason,on_hold_on,closed_on,"
    "closure_reason,link_worker_id,notes,extract_at"
)
REGISTRATIONS = (
    "registration_id,practice_code,patient_id,nhs_number,family_name,given_name,date_of_birth,postcode,sex,"
    "ethnic_category,lsoa_code,lsoa_vintage,long_term_conditions,registration_start,registration_end,end_reason,extract_at"
)


def referral(
    id: str, nhs: str, day: int, client: str = "", received: str = "2025-05-01", accepted: str = "", note: str = "none"
) -> str:
    """A row of a referrals extract of the given day of June 2025."""
    return (
        f"{id},{PRACTICE},{client},{nhs},gp,GP,,link_worker,LOCAL:DEBT,,{received},{accepted},,,,,,,,w1,"
        f'"{note}",2025-06-{day:02d}T02:00:00Z'
    )


def emptied(id: str, day: int) -> str:
    """A row with its key and time only: the referral is withdrawn."""
    return f"{id}{',' * 21}2025-06-{day:02d}T02:00:00Z"


def registration(id: str, nhs: str, name: str) -> str:
    who = f"p-{id},{nhs},{name},Marmaduke,1950-05-17,ZZ99 9ZZ"
    return f"{id},{PRACTICE},{who},2,A,E01000001,2021,DM,2001-01-01,,,2025-06-01T02:00:00Z"


def contact(id: str, nhs: str, minutes: Any = 30, client: str = "", note: str = "") -> str:
    data = {"nhsNumber": nhs, "clientId": client, "linkWorkerId": "w1", "minutes": minutes, "note": note}
    when = "2025-06-01T10:00:00Z"
    event = {"specversion": "1.0", "id": id, "type": "org.linkwork.contact.held", "time": when, "recordedtime": when}
    return json.dumps(event | {"data": {key: value for key, value in data.items() if value != ""}})


def text(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


MULTI_LINE = f"met {NAME}\nand rang {ANNA}\nonce more"
FIRST = text(
    REFERRALS,
    referral("r1", ANNA, 1, note=MULTI_LINE),
    referral("r2", BEN, 1, note="two\nlines"),
    referral("r3", "", 1, CLIENT, note=NAME),
    referral("r6", ANNA, 1),
    referral("r9", ANNA, 1, accepted="2025-05-03"),
    referral("r4", CLEO, 1, note='a 5"" nail'),
    referral("r12", "", 1, "c-dora"),  # somebody who is never named by NHS number
)
SECOND = text(
    REFERRALS,
    referral("r1", ANNA, 2, note=MULTI_LINE),  # as before
    referral("r3", ANNA, 2, CLIENT, accepted="2025-05-04"),  # now we know who it is
    referral("r5", BEN, 2),
)
THIRD = text(
    REFERRALS,
    referral("r3", "", 3, CLIENT, accepted="2025-05-04", note=NAME),  # as before, and without her number
    emptied("r6", 3),
    referral("r7", ANNA, 3, received="2025-02-30"),
    referral("r8", "", 3, CLIENT, received="2025-02-30", note=NAME),  # refused, and without her number
    referral("r4", CLEO, 3, accepted="2025-05-05"),
)
FOURTH = text(
    REFERRALS,
    referral("r9", ANNA, 1, accepted="2025-05-09"),  # contradicts the first file
    referral("r10", CLEO, 4),
)
NAMED = f"4-0{ANNA}0.csv"  # the gate takes it for no NHS number: there are more digits
CONTACTS = "\n".join(
    [
        contact("e1", ANNA, note='a 5" nail'),
        contact("e2", BEN, note='a 6" nail'),
        contact("e3", ANNA)[:-9],  # no JSON any more
        contact("e4", CLEO, note='7" and 8"'),
        contact("e5", BEN, minutes="many"),
        contact("e6", "", client=CLIENT, note=NAME),
    ]
)
REGISTERED = text(
    REGISTRATIONS,
    registration("g1", ANNA, NAME),
    registration("g2", BEN, "Other"),
    registration("g3", ANNA, NAME).replace("2001-01-01", "2001-02-30"),
)
WAITING = text(REFERRALS, referral("r20", ANNA, 9, note=MULTI_LINE), referral("r21", BEN, 9))


def everywhere(folder: Path) -> Settings:
    """The home: a log compacted in part, refused rows, a conflict, pages, logs, a file that waits."""
    home = _installed(folder)
    _put(home, {"1.csv": FIRST, "2.csv": SECOND})
    put(home, "g.csv", REGISTERED, feed="registrations_csv", sender=PRACTICE)
    ingest(home)
    upkeep.compact(home)
    _put(home, {"3.csv": THIRD, NAMED: FOURTH})
    put(home, "e.jsonl", CONTACTS, feed="link_worker_jsonl", sender=SERVICE)
    ingest(home)
    _leave_traces(home)
    return home


def in_few_files(folder: Path) -> Settings:
    """The same with two files only, for what is done many times."""
    home = _installed(folder)
    _put(home, {"1.csv": FIRST, NAMED: FOURTH})
    ingest(home)
    _leave_traces(home)
    return home


def _installed(folder: Path) -> Settings:
    home = make_home(folder)
    use_installed(home, "referrals_csv", "link_worker_jsonl", "registrations_csv")
    add_sender(home, SERVICE, ["referrals_csv", "link_worker_jsonl"])
    add_sender(home, PRACTICE, ["registrations_csv"])
    return home


def _put(home: Settings, files: dict[str, str]) -> None:
    for name, content in files.items():
        put(home, name, content, feed="referrals_csv", sender=SERVICE)


def _leave_traces(home: Settings) -> None:
    """Where she should not be: pages, results and logs; and a file that waits, named after her."""
    _put(home, {f"{ANNA}.csv": WAITING})
    for name, content in {
        "quality/page.html": f"<td>{pseudonyms(home)[0].hex()}</td>",
        f"quality/{ANNA}.json": "{}",
        "quality/other.html": "<td>7</td>",
        "airflow/logs/dag_id=ingest_events/attempt=1.log": f"took {ANNA}",
    }.items():
        path = home.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def copy_of(home: Settings, folder: Path) -> Settings:
    """The whole installation at another place."""
    shutil.copytree(home.home.parent, folder, symlinks=True)
    return Settings(
        home=folder / "data",
        keys_dir=folder / "keys",
        contracts_dir=folder / "contracts",
        test_numbers="allow",
        landing=None,
    )


def pseudonyms(home: Settings, number: str = ANNA) -> list[bytes]:
    return subjects.pseudonyms(number, load_keys(home))


def search(home: Settings, *numbers: str) -> ScanResult:
    """What the scan of the whole home finds of some people (by default Anna)."""
    wanted = numbers or (ANNA,)
    keys = [key for number in wanted for key in pseudonyms(home, number)]
    return scan(home.home, Needles.of(wanted, keys), load_keys(home).zone1)


def events(home: Settings) -> list[dict[str, Any]]:
    """Every event with every column, in the order of the log."""
    store = Store(home.log_dir).refresh()
    with engine.asking() as con:
        cursor = con.execute(f"select * from {store.events.relation()} order by global_position")
        names = [d[0] for d in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def received(home: Settings) -> dict[str, list[str]]:
    """The lines of every received file and of every refused record that is kept, by the file's place."""
    key = load_keys(home).zone1
    kept = [*home.raw_dir.glob("[!.]*"), *home.quarantine_raw_dir.glob("[!.]*")]
    return {f"{path.parent.name}/{path.name}": vault.unseal(path, key).decode().split("\n") for path in kept}
