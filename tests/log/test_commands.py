"""`load retract`, `quarantine resolve` and `log rebuild-register` as their user meets them."""

import json
import os
import shutil
import sys

import pytest

from linkwork import cli
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, EXIT_USAGE
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import at, csv_text, day, deliver, effective, ingest, rows

NUMBER = "9990000018"


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    """Run the script's entry point in this process: exit code, standard output, standard error."""
    for name in [n for n in os.environ if n.startswith("LINKWORK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LINKWORK_HOME", str(home.home))
    monkeypatch.setenv("LINKWORK_KEYS_DIR", str(home.keys_dir))
    monkeypatch.setenv("LINKWORK_CONTRACTS_DIR", str(home.contracts_dir))
    monkeypatch.setenv("LINKWORK_TEST_NUMBERS", "allow")
    monkeypatch.setenv("LINKWORK_ACTOR", "a tester")

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["linkwork", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def send(home, name, *records):
    """Ingest one file of records given as (id, received, asserted at); returns its load."""
    content = csv_text([{"id": i, "nhs_number": NUMBER, "received": r, "at": at(w)} for i, r, w in records])
    deliver(home, name, content)
    ingest(home)
    ((load,),) = rows(home, "loads", "load_id", f"where file_name = '{name}' and status = 'committed'")
    return load


def operations(home, command):
    return rows(home, "operations", "target, outcome, reason, actor", f"where command = '{command}'")


# --- load retract ---------------------------------------------------------------------------------------


def test_retract_says_what_it_did_and_leaves_one_operation(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("a", day(2), 2))
    code, out, _ = linkwork("load", "retract", load, "--reason", "the wrong month")
    assert (code, " ".join(out.split())) == (EXIT_DONE, f"{load} retracted: 2 events withdrawn, 1 appended")
    assert effective(home) == {("a", "received"): day(1)}
    assert operations(home, "load retract") == [(load, "2 events withdrawn, 1 appended", "the wrong month", "a tester")]
    assert rows(home, "loads", "status", f"where load_id = '{load}'") == [("retracted",)]
    assert verify(Store(home.log_dir)).problems == []


def test_retract_as_json_is_json_alone(home, linkwork):
    load = send(home, "1.csv", ("a", day(1), 1))
    code, out, _ = linkwork("load", "retract", load, "--reason", "wrong", "--json")
    done = json.loads(out)
    assert code == EXIT_DONE
    assert (done["load_id"], done["withdrawn"], done["appended"], done["not_gated_again"]) == (load, 1, 0, [])
    assert rows(home, "operations", "1", f"where operation_id = '{done['operation_id']}'") == [(1,)]


def test_retract_of_what_is_not_there_or_was_retracted_before_is_wrong_use(home, linkwork):
    load = send(home, "1.csv", ("a", day(1), 1))
    for wanted in ("nothing", load, load):
        code, out, _ = linkwork("load", "retract", wanted, "--reason", "wrong", "--json")
    assert code == EXIT_USAGE
    assert json.loads(out)["error"]["what"] == "no such committed load"
    assert len(operations(home, "load retract")) == 1


def test_retract_needs_a_reason_and_the_file_itself(home, linkwork):
    load = send(home, "1.csv", ("a", day(1), 1))
    assert linkwork("load", "retract", load)[0] == EXIT_USAGE
    shutil.rmtree(home.raw_dir)
    code, _, err = linkwork("load", "retract", load, "--reason", "wrong")
    assert code == EXIT_USAGE
    assert "no longer kept" in " ".join(err.split())
    assert effective(home) == {("a", "received"): day(1)}
    assert operations(home, "load retract") == []
    assert not any(home.staging_dir.glob("[!.]*/plan.json"))


def test_retract_names_how_many_files_it_could_not_read_again(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1))
    shutil.rmtree(home.raw_dir)
    load = send(home, "2.csv", ("a", day(2), 2))
    code, out, _ = linkwork("load", "retract", load, "--reason", "wrong")
    assert code == EXIT_DONE
    assert "1 earlier files of the sender are no longer kept" in " ".join(out.split())
    assert effective(home) == {("a", "received"): day(1)}


def test_a_retracted_file_is_not_taken_again(home, linkwork):
    load = send(home, "1.csv", ("a", day(1), 1))
    linkwork("load", "retract", load, "--reason", "wrong")
    deliver(home, "1.csv", csv_text([{"id": "a", "nhs_number": NUMBER, "received": day(1), "at": at(1)}]))
    assert ingest(home)["files"]["noop"] == 1
    assert effective(home) == {}
    assert any("retracted" in (detail or "") for (detail,) in rows(home, "loads", "detail", "where status = 'noop'"))


# --- quarantine resolve ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("keep", "held"), [("earlier", day(1)), ("quarantined", day(2))])
def test_resolve_ends_a_conflict_and_the_list_says_so(home, linkwork, keep, held):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("b", day(3), 1), ("a", day(2), 1))
    assert effective(home) == {("b", "received"): day(3)}
    listed = json.loads(linkwork("quarantine", "list", "--json")[1])["records"]
    assert [(r["load_id"], r["source_line"], r["status"]) for r in listed] == [(load, 3, "open")]
    code, out, _ = linkwork("quarantine", "resolve", load, "--line", "3", "--keep", keep, "--reason", "asked them")
    assert (code, out) == (EXIT_DONE, f"kept the {keep} statement: 1 facts hold now\n")
    assert effective(home) == {("a", "received"): held, ("b", "received"): day(3)}
    assert operations(home, "quarantine resolve") == [
        (f"{load}:3", f"kept the {keep} statement", "asked them", "a tester")
    ]
    (after,) = json.loads(linkwork("quarantine", "list", "--json")[1])["records"]
    assert after["status"] == "resolved"
    assert verify(Store(home.log_dir)).problems == []


def test_resolve_as_json_is_json_alone(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("a", day(2), 1))
    arguments = ("quarantine", "resolve", load, "--line", "2", "--keep", "earlier", "--reason", "asked")
    code, out, _ = linkwork(*arguments, "--json")
    done = json.loads(out)
    assert (code, done["load_id"], done["line"], done["kept"], done["facts"]) == (EXIT_DONE, load, 2, "earlier", 1)
    code, out, _ = linkwork(*arguments, "--json")  # a second decision about the same
    assert code == EXIT_USAGE
    assert json.loads(out)["error"]["what"] == "the record is not contested any more"


@pytest.mark.parametrize("arguments", [
    ("nothing", "--line", "2", "--keep", "earlier"),
    ("{load}", "--line", "9", "--keep", "earlier"),
    ("{load}", "--line", "2", "--keep", "both"),
    ("{load}", "--line", "0", "--keep", "earlier"),
    ("{load}", "--line", "3", "--keep", "earlier"),  # refused by the gate, no conflict
])  # fmt: skip
def test_resolve_of_what_is_no_conflict_is_wrong_use(home, linkwork, arguments):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("a", day(2), 1), ("b", "2025-02-30", 1))
    code, _, err = linkwork("quarantine", "resolve", *(a.format(load=load) for a in arguments), "--reason", "asked")
    assert (code, bool(err)) == (EXIT_USAGE, True)
    assert operations(home, "quarantine resolve") == []
    assert effective(home) == {}


def test_resolve_says_why_where_the_conflict_ended_otherwise(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("a", day(2), 1))
    send(home, "3.csv", ("a", day(4), 2))
    arguments = ("quarantine", "resolve", load, "--line", "2", "--keep", "earlier", "--reason", "asked")
    code, _, err = linkwork(*arguments)
    assert code == EXIT_USAGE
    assert "a newer statement or an earlier decision ended it" in " ".join(err.split())
    linkwork("load", "retract", load, "--reason", "wrong")
    code, _, err = linkwork(*arguments)
    assert code == EXIT_USAGE
    assert "the load was retracted" in " ".join(err.split())


def test_resolve_needs_the_file_itself(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1))
    load = send(home, "2.csv", ("a", day(2), 1))
    shutil.rmtree(home.raw_dir)
    code, _, err = linkwork("quarantine", "resolve", load, "--line", "2", "--keep", "earlier", "--reason", "asked")
    assert code == EXIT_USAGE
    assert "a newer statement ends the conflict" in " ".join(err.split())


def test_a_gate_refusal_is_open(home, linkwork):
    send(home, "1.csv", ("a", "2025-02-30", 1))
    (record,) = json.loads(linkwork("quarantine", "list", "--json")[1])["records"]
    assert (record["rule"], record["status"]) == ("date", "open")


# --- log rebuild-register -------------------------------------------------------------------------------


def test_a_lost_register_is_named_and_rebuilt_by_a_command(home, linkwork):
    send(home, "1.csv", ("a", day(1), 1), ("b", day(2), 1))
    shutil.rmtree(home.log_dir / "register")
    code, out, _ = linkwork("log", "verify", "--json")
    assert code == EXIT_BAD_DATA
    assert any("register" in problem for problem in json.loads(out)["problems"])
    assert linkwork("log", "rebuild-register")[0] == EXIT_USAGE  # without a reason
    code, out, _ = linkwork("log", "rebuild-register", "--reason", "a disk failed")
    assert (code, out) == (EXIT_DONE, "the register knows 2 records\n")
    assert operations(home, "log rebuild-register") == [
        ("register", "2 records, 0 loads from the log alone", "a disk failed", "a tester")
    ]
    assert linkwork("log", "verify")[0] == EXIT_DONE


def test_a_rebuilt_register_names_the_files_that_are_gone(home, linkwork):
    load = send(home, "1.csv", ("a", day(1), 1))
    shutil.rmtree(home.raw_dir)
    shutil.rmtree(home.log_dir / "register")
    code, out, _ = linkwork("log", "rebuild-register", "--reason", "a disk failed", "--json")
    done = json.loads(out)
    assert (code, done["records"], done["loads_from_the_log"]) == (EXIT_DONE, 1, [load])
    code, out, _ = linkwork("log", "rebuild-register", "--reason", "again")
    assert "1 files are no longer kept" in " ".join(out.split())
