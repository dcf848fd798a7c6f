"""The synthetic region: the same bytes for the same seed, the feeds as agreed, and a truth that is true."""

import csv
import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

import simulator
from simulator import world
from simulator.world import people as population
from simulator.world import random, region
from simulator.world.dials import Dials

PEOPLE, SEED = 450, 7
# the usual mess, but for conflicts and corrections, of which so small a region would have hardly one
MESS = (
    "invalid_number=0.001,invalid_value=0.003,broken=0.002,duplicated=0.002,blank=0.001,late=0.02,repeated=0.01,"
    "unregistered=0.01,conflict=0.03,corrected=0.02"
)
DAYS = (dt.date(2024, 4, 1), dt.date(2025, 9, 30))
CUT_OFF = "2025-10-01"
REQUIRED = {"registration_start", "slot_start", "received_on", "session_date", "entered_on"}
Line = tuple[str, str, str, int, str]  # feed, sender, file, physical line, text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("region") / "synthetic"
    return out, simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess=MESS)


@pytest.fixture(scope="module")
def root(made: tuple[Path, dict[str, Any]]) -> Path:
    return made[0]


def lines(root: Path, feed: str = "*") -> Iterator[Line]:
    """Every line after the header of every landing file."""
    for path in sorted(root.glob(f"landing/{feed}/*/*")):
        text = path.read_bytes().decode("utf-8")
        assert text.endswith("\n")
        assert "\r" not in text
        for number, line in enumerate(text.split("\n")[:-1], 1):
            if number > 1 or path.suffix == ".jsonl":
                yield path.parts[-3], path.parts[-2], path.name, number, line


def line_of(fault: dict[str, str]) -> tuple[str, str, str, int]:
    return fault["feed"], fault["sender"], fault["file"], int(fault["line"])


def faults(root: Path) -> list[dict[str, str]]:
    with (root / "truth" / "faults.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def header(root: Path, feed: str, sender: str, name: str) -> list[str]:
    return (root / "landing" / feed / sender / name).read_text(encoding="utf-8").split("\n", 1)[0].split(",")


@cache
def rows(root: Path, feed: str) -> list[dict[str, str]]:
    """The clean records of a CSV feed, with sender and file, without the faulty lines and extra files."""
    bad = {line_of(fault) for fault in faults(root) if fault["line"] and fault["kind"] != "correction"}
    found = []
    for _, sender, name, number, line in lines(root, feed):
        if (feed, sender, name, number) not in bad and sender != "ZVC99" and "_again" not in name:
            values = next(csv.reader([line]))
            record = dict(zip(header(root, feed, sender, name), values, strict=True))
            found.append({**record, "sender": sender, "file": name})
    return found


def valid_nhs_number(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False))
    return len(number) == 10 and number.startswith("999") and (11 - total % 11) % 11 == int(number[9])


def people(root: Path, columns: str) -> list[Any]:
    path = str(root / "truth" / "people.parquet")
    return duckdb.execute(f"select {columns} from read_parquet(?)", [path]).fetchall()


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_interrupted_run_leaves_nothing_and_the_next_gives_the_same_bytes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> None:
        raise OSError("no space left on device")

    out = tmp_path / "synthetic"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", no_space)
        with pytest.raises(OSError, match="no space"):
            simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess=MESS)
    assert not out.exists()
    simulator.simulate(PEOPLE, SEED, out, days=DAYS, mess=MESS)
    assert everything(out) == everything(root)
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic"]


def test_another_seed_gives_the_people_other_numbers() -> None:
    def numbers(seed: int) -> list[Any]:
        with simulator.connect() as con:
            random.install(con, seed)
            population.number_people(con, 50)
            return con.execute("select nhs_number from numbers order by id").fetchall()

    assert not set(numbers(SEED)) & set(numbers(SEED + 1))


def test_the_summary_counts_what_was_written(made: tuple[Path, dict[str, Any]]) -> None:
    root, summary = made
    written = Counter(feed for feed, *_ in lines(root))
    assert {feed: counts["records"] for feed, counts in summary["feeds"].items()} == dict(written)
    assert summary["files"] == len(list(root.glob("landing/*/*/*")))
    assert summary["faults"] == dict(Counter(fault["kind"] for fault in faults(root)))


def test_fewer_people_are_registered_on_a_day_than_ever_live_there(made: tuple[Path, dict[str, Any]]) -> None:
    root, summary = made
    ((everybody,),) = people(root, "count(*)")
    assert (summary["people"], everybody) == (PEOPLE, PEOPLE)
    for day, registered in summary["registered"].items():
        others = {row["nhs_number"] for row in people_of(root, day)} - {""}
        assert PEOPLE > registered >= len(others) > 0.9 * registered, day
    assert list(summary["registered"]) == [str(day) for day in DAYS]


def people_of(root: Path, day: str) -> list[dict[str, str]]:
    """The registrations of a day, by the newest extracts."""
    newest = {
        row["registration_id"]: row for row in sorted(rows(root, "registrations_csv"), key=lambda r: r["extract_at"])
    }
    return [
        row
        for row in newest.values()
        if row["registration_start"] <= day and (not row["registration_end"] or row["registration_end"] > day)
    ]


def test_nhs_numbers_are_valid_distinct_and_of_the_range_never_issued(root: Path) -> None:
    numbers = [number for (number,) in people(root, "nhs_number")]
    assert len(numbers) == len(set(numbers)) == PEOPLE
    assert all(valid_nhs_number(number) for number in numbers)
    sent = {row["nhs_number"] for row in rows(root, "registrations_csv")}
    assert sent - {""} <= set(numbers)
    assert "" in sent


def test_every_sender_but_the_unregistered_one_is_in_the_reference(root: Path) -> None:
    with (root / "reference" / "senders.csv").open(encoding="utf-8") as file:
        feeds = {row["code"]: row["feeds"].split(";") for row in csv.DictReader(file)}
    seen = {(feed, sender) for feed, sender, *_ in lines(root)}
    assert {sender for _, sender in seen} - set(feeds) == {"ZVC99"}
    assert all(feed in feeds[sender] for feed, sender in seen if sender != "ZVC99")
    with (root / "reference" / "practice_mapping.csv").open(encoding="utf-8") as file:
        pcns = Counter(row["PCN_CODE"] for row in csv.DictReader(file))
    assert pcns == {"U99001": 4, "U99002": 4, "U99003": 4}


def what_is_wrong(columns: list[str], line: str) -> str:
    """Find a fault from the line alone, without knowing what was injected."""
    if not line:
        return "blank_line"
    if columns:
        values = next(csv.reader([line]))
        if len(values) != len(columns):
            return "too_many_fields" if len(values) > len(columns) else "too_few_fields"
        record = dict(zip(columns, values, strict=True))
        number, word = record["nhs_number"], "not a listed word" in values
        dates = [record[column] for column in REQUIRED if column in record]
    else:
        try:
            record = json.loads(line)
        except ValueError:
            return "broken_json"
        number, word = record["data"].get("nhsNumber", ""), False
        dates = [record.get("time", "")]
    if number and not valid_nhs_number(number):
        return "invalid_nhs_number"
    if any(date.startswith("2024-02-30") for date in dates):
        return "impossible_date"
    return "unknown_word" if word else "missing_required" if "" in dates else ""


def test_each_fault_is_on_the_line_that_the_truth_names_and_no_other_line_is_faulty(root: Path) -> None:
    noted = {line_of(fault): fault["kind"] for fault in faults(root) if fault["line"]}
    found, seen = {}, set()
    for feed, sender, name, number, line in lines(root):
        if sender == "ZVC99" or "_again" in name:
            continue
        columns = [] if feed == "link_worker_jsonl" else header(root, feed, sender, name)
        kind = what_is_wrong(columns, line) or ("duplicate_line" if (sender, name, line) in seen else "")
        seen.add((sender, name, line))
        if kind:
            found[feed, sender, name, number] = kind
    # a correction or a conflict is right in itself
    assert found == {
        place: kind for place, kind in noted.items() if kind not in ("correction", "conflict", "recorded_late")
    }
    assert {"invalid_nhs_number", "duplicate_line", "blank_line", "too_many_fields"} <= set(found.values())


def test_few_lines_of_a_file_are_bad_and_whole_files_are_noted(root: Path) -> None:
    sizes = Counter((feed, sender, name) for feed, sender, name, *_ in lines(root))
    noted = faults(root)
    bad = Counter((f["feed"], f["sender"], f["file"]) for f in noted if f["expected_fate"] == "quarantined")
    assert bad
    assert all(number / sizes[file] < 0.05 for file, number in bad.items())  # contracts hold a file above that
    again = next(f for f in noted if f["kind"] == "file_repeated")
    copy = root / "landing" / again["feed"] / again["sender"] / again["file"]
    assert copy.read_bytes() == copy.with_name(copy.name.replace("_again", "")).read_bytes()
    assert [f["sender"] for f in noted if f["expected_fate"] == "refused"] == ["ZVC99"]


def test_conflicts_and_corrections_keep_the_id_and_differ_in_content(root: Path) -> None:
    kinds = {(f["sender"], f["file"], f["line"]): f["kind"] for f in faults(root)}
    sent: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for _, sender, name, number, line in lines(root, "link_worker_jsonl"):
        kind = kinds.get((sender, name, str(number)), "")
        if kind in ("", "correction", "conflict"):
            event = json.loads(line)
            sent.setdefault((sender, event["id"]), []).append((kind, event))
    repeated = [sorted(versions, key=lambda v: v[0]) for versions in sent.values() if len(versions) > 1]
    assert {first for (first, _), _ in repeated} == {""}
    for (_, stated), (kind, other) in repeated:
        assert stated["data"] != other["data"]
        if kind == "conflict":
            assert stated["recordedtime"] == other["recordedtime"]
        else:
            assert stated["recordedtime"] < other["recordedtime"]
    assert "conflict" in {kind for _, (kind, _) in repeated}


def test_appointment_extracts_overlap_and_statuses_fill_in(root: Path) -> None:
    known: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows(root, "gp_appointments_csv"):
        known.setdefault((row["practice_code"], row["appointment_id"]), {})[row["file"]] = row["status"]
        asked, day = row["extract_at"][:10], row["slot_start"][:10]
        assert row["status"] != "Booked" or day >= asked
        assert row["status"] not in ("Attended", "DNA", "Unknown") or day < asked
        assert dt.date.fromisoformat(day).isoweekday() <= 5
        assert (row["national_category"] == "Social Prescribing Service") == (row["staff_role"] == "R9815")
    changes = {tuple(states.values()) for states in known.values() if len(states) > 1}
    assert ("Booked", "Attended") in changes
    assert ("Attended", "Attended") in changes
    assert not {after for before, after in changes if before in ("Attended", "DNA")} - {"Attended", "DNA"}


def test_referral_extracts_are_cumulative_and_milestones_fill_in(root: Path) -> None:
    by_file: dict[str, dict[tuple[str, str], dict[str, str]]] = {}
    for row in rows(root, "referrals_csv"):
        by_file.setdefault(row["file"], {})[row["sender"], row["referral_id"]] = row
        stages = [row[c] for c in ("decided_on", "received_on", "accepted_on", "closed_on") if row[c]]
        assert stages == sorted(stages)
        assert row["received_on"] < row["extract_at"][:10] <= CUT_OFF
    extracts = [by_file[name] for name in sorted(by_file)]
    assert all(set(earlier) < set(later) for earlier, later in pairwise(extracts))
    first, last = extracts[0], extracts[-1]
    assert any(not row["closed_on"] and last[key]["closed_on"] for key, row in first.items())


def test_a_stated_decision_is_a_day_on_which_the_person_saw_a_gp(root: Path) -> None:
    came = [row for row in rows(root, "gp_appointments_csv") if row["status"] == "Attended"]
    seen = {(row["nhs_number"], row["slot_start"][:10]) for row in came if row["hcp_type"] == "GP"}
    stated = [row for row in rows(root, "referrals_csv") if row["decided_on"] and row["nhs_number"]]
    decided = {(row["nhs_number"], row["decided_on"]) for row in stated}
    assert decided
    assert decided <= seen


def test_registrations_end_and_who_moves_within_the_region_starts_anew(root: Path) -> None:
    registrations = {row["registration_id"]: row for row in rows(root, "registrations_csv")}
    assert {row["end_reason"] for row in registrations.values()} >= {"", "moved_away", "deceased"}
    again = [row for key, row in registrations.items() if key.endswith("-2")]
    assert again
    for row in again:
        before = registrations[row["registration_id"].replace("-2", "-1")]
        assert before["nhs_number"] == row["nhs_number"]
        assert before["practice_code"] != row["practice_code"]
        assert before["registration_end"] <= row["registration_start"]


def test_need_drives_both_visits_and_referrals(root: Path) -> None:
    slots = {(row["practice_code"], row["appointment_id"]): row for row in rows(root, "gp_appointments_csv")}
    visits = Counter(row["nhs_number"] for row in slots.values() if row["status"] == "Attended")
    del visits[""]
    top = sum(number for _, number in visits.most_common(PEOPLE // 10))
    assert 0.3 < top / visits.total() < 0.5
    ((referred, others),) = people(root, "avg(need) filter (referred), avg(need) filter (not referred)")
    assert referred > others * 1.2


def test_the_effect_thins_visits_after_the_first_contact_and_no_others() -> None:
    with simulator.connect() as con:
        world.build(con, PEOPLE, SEED, region.Period(*DAYS), Dials(effect_rate_ratio=0.5))
        before, after, others = con.execute("""
            select avg(kept) filter (day <= engaged_from), avg(kept) filter (day > engaged_from),
                   avg(kept) filter (engaged_from is null)
            from (select s.day, e.engaged_from, (a.ref is not null)::integer as kept
                  from slots as s left join appointments as a on a.ref = s.visit left join
                  (select id, min(first_held) as engaged_from from referrals group by id) as e on e.id = s.id)
        """).fetchone() or (0, 0, 0)
    assert before == others == 1
    assert 0.4 < after < 0.6


def test_how_many_slots_have_no_end_on_record_differs_from_month_to_month() -> None:
    with simulator.connect() as con:
        period = region.Period(dt.date(2024, 11, 1), dt.date(2026, 3, 31))
        world.build(con, 5000, SEED, period, Dials())
        months = con.execute("""
            select avg((outcome = 'Unknown')::integer), count(*) from appointments
            where outcome not like 'Cancelled%' and day <= getvariable('last_day') group by date_trunc('month', day)
        """).fetchall()
    shares = [share for share, _ in months]
    assert len(shares) == 17
    assert min(shares) < 0.04
    assert max(shares) > 0.08
    assert abs(sum(share * number for share, number in months) / sum(number for _, number in months) - 0.0488) < 0.01


def test_an_effect_that_harms_adds_visits_after_the_first_contact_and_changes_nothing_else() -> None:
    """The rate of visits is the one that was set, in an illness spell as outside of one."""
    before: list[list[Any]] = []
    for ratio in (1.0, 1.4):
        with simulator.connect() as con:
            world.build(con, 3000, SEED, region.Period(*DAYS), Dials(effect_rate_ratio=ratio, referred_per_year=0.2))
            con.execute("""
                create view visits as
                select a.ref, a.id, a.day, coalesce(a.day > e.engaged_from, false) as after,
                       exists (from spells as s where s.id = a.id and a.day between s.first_day and s.last_day) as ill
                from appointments as a left join
                    (select id, min(first_held) as engaged_from from referrals group by id) as e using (id)
                where staff_role is distinct from 'R9815'
            """)
            counts = dict(con.execute("select ill, count(*) from visits where after group by ill").fetchall())
            before.append(con.execute("select ref, day from visits where not after order by 1").fetchall())
            before[-1] += con.execute("select ref, closed_on, first_held from referrals order by 1").fetchall()
            if ratio == 1:
                usual = counts
    assert before[0] == before[1]
    for ill, number in usual.items():
        assert number > 500
        assert counts[ill] / number == pytest.approx(1.4, abs=0.08), ill


def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="people must be"):
        simulator.simulate(100, SEED, tmp_path / "out")
    with pytest.raises(ValueError, match="at least 180 days"):
        simulator.simulate(PEOPLE, SEED, tmp_path / "out", days=(DAYS[0], DAYS[0] + dt.timedelta(days=30)))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"feeds": "Z99999=gp_appointments_tpp_csv"}, "Z99999, which is no sender of this region; there are Z90001,"),
        ({"feeds": "Z90014=gp_appointments_tpp_csv"}, "Z90014, which is no sender"),
        ({"feeds": "ZSP01=gp_codes_csv.gz"}, "feeds lets ZSP01 send gp_codes_csv, but it tells of other things: "),
        ({"feeds": "Z90001=referrals_csv", "both_reported": 0}, "feeds lets Z90001 send referrals_csv"),
        ({"feeds": "Z90001=gp_codes_csv.gz,Z90001=fhir_r4_ndjson"}, "feeds names Z90001 twice"),
        ({"feeds": ""}, "feeds must be varied or"),
        ({"feeds": "ZRG01=opt_outs_csv.gz", "mess": "0"}, "ZRG01, which is no sender"),
        ({"extract_days": 30}, "extract_days says how far daily deliveries reach back, and there are none"),
        ({"extract_days": 30, "deliveries": 0}, "extract_days says how far"),
        ({"mess": "silent=0.1"}, "set how many days there are"),
    ],
)
def test_settings_without_effect_are_refused(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        simulator.simulate(400, SEED, tmp_path / "region", days=DAYS, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        simulator.simulate(PEOPLE, SEED, tmp_path)
    assert (tmp_path / "kept.txt").is_file()


def test_the_lists_of_the_reference_count_who_is_registered(root: Path) -> None:
    """The list of the last day against the extract of that day, but for the lines of it that were made faulty."""
    with (root / "reference" / "gp-reg-pat-prac-quin-age.csv").open(encoding="utf-8") as file:
        published = [r for r in csv.DictReader(file) if r["ORG_TYPE"] == "GP" and r["EXTRACT_DATE"] == "01OCT2025"]
    listed: Counter[str] = Counter()
    for row in published:
        listed[row["ORG_CODE"]] += int(row["NUMBER_OF_PATIENTS"]) if row["SEX"] != "ALL" else 0
    assert listed == {r["ORG_CODE"]: int(r["NUMBER_OF_PATIENTS"]) for r in published if r["SEX"] == "ALL"}
    registered: dict[str, set[str]] = {}
    for row in rows(root, "registrations_csv"):
        is_open = not row["registration_end"] or row["registration_end"] >= CUT_OFF
        if row["registration_start"] <= CUT_OFF and is_open and row["extract_at"] >= CUT_OFF:
            registered.setdefault(row["practice_code"], set()).add(row["registration_id"])
    faulty = Counter(fault["sender"] for fault in faults(root) if fault["feed"] == "registrations_csv")
    assert len(listed) == 12
    for practice, patients in listed.items():
        assert abs(len(registered[practice]) - patients) <= faulty[practice], practice
