"""`log/operations`: every command that changes an outcome leaves one row, and no row names a person."""

import shutil

import pytest

from linkwork.cli import summary
from linkwork.errors import EXIT_DONE, EXIT_USAGE
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.cli import commands
from tests.support.log import SENDER, at, csv_text, day, deliver, ingest, make_home, rows
from tests.support.people import copy_of, pseudonyms

NUMBER, OTHER = "9990000018", "9990000026"
REASON = ("--reason", "agreed on 3 November")
COLUMNS = "operation_id, command, target, outcome, reason, actor, position"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two files, of which the second contradicts the first."""
    home = make_home(tmp_path_factory.mktemp("operations") / "whole")
    for name, received in (("1.csv", day(1)), ("2.csv", day(2))):
        line = {"id": "a", "nhs_number": NUMBER, "received": received, "at": at(1)}
        deliver(home, name, csv_text([line, {"id": name[0], "nhs_number": OTHER, "received": day(3), "at": at(2)}]))
        ingest(home)
    return home


@pytest.fixture
def home(made, tmp_path):
    return copy_of(made, tmp_path / "copy")


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    monkeypatch.setenv("LINKWORK_ACTOR", "a.engineer")
    return commands(home, monkeypatch, capfd)


def load(home, name):
    ((load_id,),) = rows(home, "loads", "load_id", f"where file_name = '{name}'")
    return load_id


def changes(home):
    """Each command, what it is typed as, and the command and target of its row."""
    someone = pseudonyms(home, "9990000034")[0].hex()
    organisations = home.home.parent / "organisations.csv"
    columns = (
        "practice_code",
        "practice_name",
        "pcn_code",
        "pcn_name",
        "icb_code",
        "icb_name",
        "valid_from",
        "valid_to",
    )
    organisations.write_text(f"{','.join(columns)}\nZ90001,One,,,,,,\n")
    add = ("sender", "add", "S9", "--feed", "test_state", "--name", "Nine", "--source-system", "x")
    refused = str(organisations.with_name("refused.csv"))
    return [
        (("quarantine", "export", "--to", refused), "quarantine export", SENDER),
        (("quarantine", "resolve", load(home, "2.csv"), "--line", "2", "--keep", "earlier", *REASON),
         "quarantine resolve", f"{load(home, '2.csv')}:2"),
        (("load", "retract", load(home, "2.csv"), *REASON), "load retract", load(home, "2.csv")),
        (("log", "compact"), "log compact", "log"),
        (("log", "rebuild-register", *REASON), "log rebuild-register", "register"),
        (("legal-hold", "place", "--subject", someone, *REASON), "legal-hold placed", None),
        (("sender", "add", *add[2:]), "sender add", "S9"),
        (("reference", "load", "organisations", str(organisations)), "reference load", "organisations"),
        (("reference", "check", "--record", *REASON), "reference check", "baseline"),
        (("erase", "--subject", pseudonyms(home, NUMBER)[0].hex(), *REASON), "erase", "one person"),
    ]  # fmt: skip


def test_each_command_leaves_one_row(home, linkwork):
    for arguments, command, target in changes(home):
        before = set(rows(home, "operations", COLUMNS))
        done = linkwork(*arguments)
        assert done.code == EXIT_DONE, (arguments, done.err)
        ((_, said, at_what, outcome, reason, actor, position),) = set(rows(home, "operations", COLUMNS)) - before
        assert said == command
        assert target is None or target in at_what or at_what in target
        assert outcome
        assert reason == (REASON[1] if REASON[1] in arguments else None)
        assert (actor, position) == ("a.engineer", position)
    ids = [one for (one,) in rows(home, "operations", "operation_id")]
    assert len(set(ids)) == len(ids)
    assert verify(Store(home.log_dir)).problems == []


def test_reference_data_that_a_demo_brings_leave_one_row_of_each_kind(home, linkwork, monkeypatch, tmp_path):
    monkeypatch.setattr(summary, "run_through_airflow", lambda *_args, **_options: None)
    for folder in ("landing", "reference"):
        (tmp_path / "region" / folder).mkdir(parents=True)
    (tmp_path / "region" / "reference" / "pcns.csv").write_text("pcn_code,pcn_name\nU00001,One\n")
    before = set(rows(home, "operations", COLUMNS))
    for _ in range(2):
        done = linkwork("demo", "--synthetic", str(tmp_path / "region"))
        assert done.code == EXIT_DONE, done.err
        ((_, command, kind, outcome, *_),) = set(rows(home, "operations", COLUMNS)) - before
        assert (command, kind, outcome) == ("reference load", "pcns", "1 rows")


def test_a_commit_of_files_leaves_one_row_and_repeated_files_none(home):
    before = rows(home, "operations", COLUMNS)
    assert [row[1] for row in before] == ["ingest", "ingest"]
    shutil.copy(deliver(home, "3.csv", csv_text([{"id": "z", "received": day(1), "at": at(1)}])), home.home / "3")
    ingest(home)
    ((_, command, _, outcome, *_),) = set(rows(home, "operations", COLUMNS)) - set(before)
    assert (command, outcome) == ("ingest", "1 files committed, 1 events")
    shutil.copy(home.home / "3", home.landing_dir / "test_state" / SENDER / "4.csv")
    ingest(home)
    assert len(rows(home, "operations", COLUMNS)) == len(before) + 1


def test_what_changes_nothing_leaves_none(home, linkwork):
    before = rows(home, "operations", COLUMNS)
    for arguments in (
        ("log", "verify"), ("log", "history"), ("load", "list"), ("quarantine", "list"), ("status",),
        ("erase", "--resume"), ("erase", "--reapply"), ("legal-hold", "list"), ("sender", "list"),
        ("load", "retract", "nothing", *REASON), ("legal-hold", "lift", "nothing", *REASON),
    ):  # fmt: skip
        linkwork(*arguments)
    assert rows(home, "operations", COLUMNS) == before


def test_a_reason_that_names_somebody_is_refused_and_nothing_changes(home, linkwork):
    reason = f"{NUMBER[:3]} {NUMBER[3:6]} {NUMBER[6:]} rang"
    before = (rows(home, "operations", COLUMNS), rows(home, "events", "count(*)"), rows(home, "loads", "status"))
    for arguments, command, _ in changes(home):
        if REASON[1] in arguments:
            refused = linkwork(*(reason if one == REASON[1] else one for one in arguments))
            assert (refused.code, reason in refused.err + refused.out) == (EXIT_USAGE, False), command
    after = (rows(home, "operations", COLUMNS), rows(home, "events", "count(*)"), rows(home, "loads", "status"))
    assert after == before
    assert linkwork("legal-hold", "list", "--json").json == []
    assert verify(Store(home.log_dir)).problems == []
    assert not any(home.staging_dir.glob("[!.]*"))
