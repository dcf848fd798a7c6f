"""The command line: exit codes, help, JSON that is nothing but JSON, and a query that reaches marts only."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from linkwork import cli, engine
from linkwork.errors import EXIT_BAD_DATA, EXIT_BUSY, EXIT_DONE, EXIT_INTERNAL, EXIT_USAGE, OutOfMemoryError
from tests.support.cli import files_up_to


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith("LINKWORK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINKWORK_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LINKWORK_KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path


@pytest.fixture
def linkwork(home, monkeypatch, capfd):
    """Run the script's entry point in this process: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["linkwork", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def command_paths() -> list[tuple[str, ...]]:
    def walk(command, path):
        yield path
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, (*path, name))

    return list(walk(typer.main.get_command(cli.load()), ()))


@pytest.mark.parametrize("path", command_paths(), ids=" ".join)
def test_every_command_explains_itself(linkwork, path):
    code, out, err = linkwork(*path, "--help")
    assert (code, err) == (EXIT_DONE, "")
    assert "Usage:" in out
    assert " ".join(path) in out
    assert "--help" in out


def test_starting_loads_nothing_that_only_some_commands_need():
    """A trace is asked for by a person who waits: these took a third of the start."""
    loads = "import linkwork.cli, linkwork.trace.report; linkwork.cli.load('trace')"
    code = f"import json, sys; {loads}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    dear = {"pyarrow", "httpx", "structlog", "dbt", "great_expectations", "airflow", "linkwork.reference"}
    assert not dear & set(json.loads(done.stdout))


def test_each_command_is_in_the_module_that_is_loaded_for_it():
    found = {}
    for module in cli.COMMANDS:
        alone = typer.Typer()
        importlib.import_module(f"linkwork.cli.{module}").register(alone)
        commands = [one.name or one.callback.__name__ for one in alone.registered_commands]
        found[module] = (*commands, *(one.name for one in alone.registered_groups))
    assert found == cli.COMMANDS


def test_the_commands_that_others_rely_on_are_there():
    wanted = {
        "simulate", "ingest", "build", "publish", "run", "status", "sql",
        "log verify", "log history", "quarantine list", "load list", "sender list", "sender add",
        "contract check", "reference load", "reference list", "reference check", "keys init",
    }  # fmt: skip
    assert wanted <= {" ".join(path) for path in command_paths()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("statsu",),
        ("status", "--jsn"),
        ("status", "extra"),
        ("log", "rewrite"),
        ("load", "list", "--status", "loaded"),
        ("log", "history", "--limit", "0"),
        ("log", "history", "--limit", "many"),
        ("ingest", "--landing", "no-such-folder"),
        ("publish", "--known-at", "yesterday"),
        ("reference", "load"),
        ("reference", "load", "planets", "x.csv"),
        ("reference", "load", "senders", "no-such-file.csv"),
        ("sql", "select 1", "--tier", "secret"),
        ("sql", "select 1"),
        ("sender", "add", "../../x", "--feed", "a_csv", "--name", "N", "--source-system", "x"),
        ("sender", "add", "S1", "--feed", "a_csv", "--name", "N", "--source-system", "x", "--kind", "spy"),
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_64_and_says_why(linkwork, arguments):
    code, out, err = linkwork(*arguments)
    assert code == EXIT_USAGE
    assert out == ""
    assert err.strip()
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [("simulate", "--out"), ("demo", "--synthetic")], ids=" ".join)
@pytest.mark.parametrize("taken", ["file", "folder"])
def test_a_region_is_not_written_where_something_else_is(linkwork, home, command, taken):
    (home / "folder").mkdir()
    (home / "folder" / "mine.txt").touch()
    (home / "file").touch()
    code, out, err = linkwork(*command, taken)
    assert (code, out) == (EXIT_USAGE, "")
    assert f"folder ({taken})" in err or f"folder is not empty ({taken})" in err
    assert "name a new folder" in err
    assert sorted(p.name for p in home.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("command", [("simulate", "--preset", "tiny", "--out"), ("demo", "--synthetic")], ids=" ".join)
def test_a_region_cannot_be_written_below_a_file(linkwork, home, command):
    (home / "file").touch()
    code, out, err = linkwork(*command, "file/region")
    assert (code, out) == (EXIT_USAGE, "")
    assert "no region can be written there (file/region): Not a directory" in err


@pytest.mark.parametrize(("name", "value"), [("TEST_NUMBERS", "maybe"), ("THREADS", "two")])
def test_a_setting_that_means_nothing_is_named(linkwork, monkeypatch, name, value):
    monkeypatch.setenv(f"LINKWORK_{name}", value)
    code, out, err = linkwork("status", "--json")
    assert (code, out) == (EXIT_USAGE, "")
    assert f"LINKWORK_{name}" in err


def test_a_home_that_cannot_be_used_is_named(linkwork, home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("LINKWORK_HOME", str(home / "file"))
    code, out, err = linkwork(
        "sender", "add", "ZSP01", "--feed", "referrals_csv", "--name", "S", "--source-system", "x", "--json"
    )
    assert code == EXIT_USAGE
    assert json.loads(out)["error"]["where"] == str(home / "file")
    assert "the home cannot be used" in err
    assert "Not a directory" in err


def test_version(linkwork):
    assert linkwork("--version")[:2] == (EXIT_DONE, "0.1.0\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("log", "verify"),
        ("log", "history"),
        ("load", "list"),
        ("quarantine", "list"),
        ("sender", "list"),
        ("reference", "list"),
        ("contract", "check"),
        ("keys", "init"),
    ],
    ids=" ".join,
)
def test_json_is_all_that_stands_on_standard_output(linkwork, arguments):
    code, out, _ = linkwork(*arguments, "--json")
    assert code == EXIT_DONE
    json.loads(out)


def test_an_error_is_json_too_where_json_is_wanted(linkwork):
    code, out, err = linkwork("sql", "select 1", "--json")
    assert code == EXIT_USAGE
    assert json.loads(out)["error"]["do"] == "run `linkwork publish` first"
    assert "there is no current release" in err


def test_an_unexpected_error_shows_its_kind_and_place_but_not_its_message(linkwork, monkeypatch):
    def fail(_settings: object) -> None:
        raise RuntimeError("9990000018 Jane")

    monkeypatch.setattr("linkwork.privacy.keys.key_files", fail)
    monkeypatch.setattr("linkwork.cli.keys.create_keys", fail)
    code, out, err = linkwork("keys", "init")
    assert (code, out) == (EXIT_INTERNAL, "")
    assert "RuntimeError in test_cli.py" in err
    assert "9990000018" not in err


def test_reference_and_senders_through_the_command_line(linkwork, home):
    header = "code,name,kind,feeds,source_system,valid_from,valid_to,cadence_days,agreement,first_expected"
    (home / "senders.csv").write_text(header + "\nZVC01,Group,group,activity_csv,x,,,7,,\n")
    assert linkwork("reference", "load", "--all", str(home))[0] == EXIT_DONE
    added = linkwork(
        "sender", "add", "ZSP01", "--feed", "referrals_csv", "--name", "S", "--source-system", "x", "--json"
    )
    assert (added[0], json.loads(added[1])["rows"]) == (EXIT_DONE, 2)
    assert [s["code"] for s in json.loads(linkwork("sender", "list", "--json")[1])] == ["ZSP01", "ZVC01"]
    (home / "senders.csv").write_text(header + "\nZVC01,Group,group,activity_csv,x,2025-02-30,,7,,\n")
    code, _, err = linkwork("reference", "load", "senders", str(home / "senders.csv"))
    assert code == EXIT_BAD_DATA
    assert "line 2, column valid_from" in err


def test_a_sender_of_a_feed_that_has_no_contract_is_registered_and_the_feed_is_named(linkwork):
    feeds = ("--feed", "referals_csv", "--feed", "referrals_csv")
    code, out, err = linkwork("sender", "add", "ZSP01", *feeds, "--name", "S", "--source-system", "x", "--json")
    assert (code, json.loads(out)["rows"]) == (EXIT_DONE, 1)
    assert err == "no contract describes the feed referals_csv: its files are refused until one does\n"


def test_what_to_build_before_a_publication_of_an_earlier_time_is_said(linkwork):
    code, _, err = linkwork("publish", "--known-at", "2025-02-03T04:05:06Z")
    assert (code, "run `linkwork build --known-at 2025-02-03T04:05:06+00:00` first" in err) == (EXIT_USAGE, True)


def test_the_demo_loads_the_kinds_that_a_killed_one_did_not_and_keeps_what_the_user_loaded(linkwork, home, monkeypatch):
    monkeypatch.setattr("linkwork.cli.summary.run_through_airflow", lambda _settings, *, as_json: None)
    reference, landing = home / "synthetic" / "reference", home / "synthetic" / "landing"
    for folder in (reference, landing):
        folder.mkdir(parents=True)
    monkeypatch.setenv("LINKWORK_TEST_NUMBERS", "allow")  # as the demo sets both; so they end with the test
    monkeypatch.setenv("LINKWORK_LANDING", str(landing))
    header = "code,name,kind,feeds,source_system,valid_from,valid_to,cadence_days,agreement,first_expected"
    (reference / "senders.csv").write_text(header + "\nZVC01,Group,group,activity_csv,x,,,7,,\n")
    (reference / "bank_holidays.csv").write_text("holiday_on,holiday_name\n2026-01-01,New Year\n")
    linkwork("sender", "add", "ZSP01", "--feed", "referrals_csv", "--name", "S", "--source-system", "x")
    assert linkwork("demo")[0] == EXIT_DONE
    assert [s["code"] for s in json.loads(linkwork("sender", "list", "--json")[1])] == ["ZSP01"]
    assert list((home / "data" / "reference" / "bank_holidays").glob("*.parquet"))


def test_a_wrong_contract_is_named(linkwork, home):
    (home / "bad.yaml").write_text("kind: Other\n")
    code, _, err = linkwork("contract", "check", str(home / "bad.yaml"))
    assert code == EXIT_BAD_DATA
    assert str(home / "bad.yaml") in err


def test_a_draft_that_found_no_room_leaves_nothing_and_is_made_by_the_same_command(linkwork, home):
    (home / "visits.csv").write_text("id,at\n1,2026-01-01\n")
    command = ("contract", "init", "visits.csv", "--out", "draft.yaml")
    with files_up_to(500):
        code, _, err = linkwork(*command)
    assert (code, "no room to write" in err) == (EXIT_BUSY, True)
    assert [p.name for p in home.iterdir()] == ["visits.csv"]
    assert linkwork(*command)[0] == EXIT_DONE
    assert (home / "draft.yaml").stat().st_size > 500
    assert linkwork(*command)[0] == EXIT_USAGE  # nothing is overwritten


@pytest.fixture
def release(home) -> Path:
    folder = home / "data" / "releases" / "1-abc" / "restricted"
    folder.mkdir(parents=True)
    with engine.connect(folder / "marts.duckdb") as con:
        con.execute("create table rpt_uptake as select 'gp' as route, 7 as referrals union all select 'self', 3")
    (folder.parent.parent / "current").symlink_to("1-abc")
    return folder


def test_sql_reads_the_marts(linkwork, release):
    code, out, _ = linkwork("sql", "select route, referrals from rpt_uptake order by 2", "--json")
    assert code == EXIT_DONE
    assert json.loads(out) == [{"route": "self", "referrals": 3}, {"route": "gp", "referrals": 7}]


def test_sql_keeps_to_the_memory_it_was_given_and_puts_the_rest_on_disk(linkwork, release, home, monkeypatch):
    monkeypatch.setenv("LINKWORK_MEMORY_LIMIT", "60MB")
    texts = "select md5(i::varchar) as t from range(2_000_000) as r (i)"
    code, out, _ = linkwork(
        "sql", f"select max(n) as last from (select row_number() over (order by t) as n from ({texts}))", "--json"
    )
    assert (code, json.loads(out)) == (EXIT_DONE, [{"last": 2_000_000}])
    assert not list((home / "data" / "staging" / ".spill").iterdir())
    code, _, err = linkwork("sql", f"select length(string_agg(t, ',')) from ({texts})")
    assert code == EXIT_INTERNAL
    assert OutOfMemoryError.DO in err


# What reads as a query and is wrong as one; everything else is not allowed.
FAILING = ("select * from '/etc/passwd'", "select nothing from rpt_uptake")


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/hostname')",
        "select * from glob('/*')",
        "select * from '/etc/passwd'",
        "copy rpt_uptake to 'out.csv'",
        "attach 'other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '1TB'",
        "reset lock_configuration",
        "create table t as select 1",
        "insert into rpt_uptake values ('x', 1)",
        "delete from rpt_uptake",
        "drop table rpt_uptake",
        "pragma database_list; copy rpt_uptake to 'out.csv'",
        "export database 'out'",
        "select nothing from rpt_uptake",
    ],
)
def test_f65_sql_can_do_nothing_else(linkwork, release, home, query):
    linkwork("sql", "select 1")  # makes the empty folder of what memory cannot hold
    before = sorted(str(p) for p in home.rglob("*"))
    content = (release / "marts.duckdb").read_bytes()
    code, out, err = linkwork("sql", query)
    assert (code, out) == ((EXIT_BAD_DATA if query in FAILING else EXIT_USAGE), "")
    assert ("the query failed" if query in FAILING else "the query is not allowed") in err
    assert "root:" not in err
    assert sorted(str(p) for p in home.rglob("*")) == before
    assert (release / "marts.duckdb").read_bytes() == content


def test_what_a_cell_holds_is_shown_and_not_obeyed(linkwork, release):
    code, out, _ = linkwork(
        "sql", r"select '[bold]x[/nothing]' as a, 'b' || chr(27) || '[31m' || chr(8238) || 'c' as b"
    )
    assert code == EXIT_DONE
    assert "[bold]x[/nothing]" in out
    assert r"b\x1b[31m\u202ec" in out
