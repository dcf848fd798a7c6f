"""Names are quoted or refused, text stays text, and a connection is as every part relies on it."""

import os
import subprocess
import sys

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.settings import PROJECT_ROOT


@pytest.mark.parametrize("identifier", ["a", "referral_id", "_x", "With Space", "a" * 63])
def test_a_plain_name_is_quoted(identifier):
    assert engine.name(identifier) == f'"{identifier}"'


@pytest.mark.parametrize(
    "identifier",
    ["", "1a", " a", 'a"; drop table x; --', "a'b", "a-b", "a.b", "a\n", "\u00e9tat", "a" * 64, "a;b", "a\x00", "*"],
)
def test_any_other_name_is_refused(identifier):
    with pytest.raises(ValueError, match="not a valid name"):
        engine.name(identifier)


@pytest.fixture(scope="module")
def con():
    with engine.connect() as con:
        yield con


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(con, value):
    assert con.execute(f"select {engine.text(value)}, {engine.texts([value, 'b'])}").fetchone() == (value, [value, "b"])


def test_text_that_tries_to_end_the_literal_stays_inside(con):
    hostile = "'; create table broken as select 1; --"
    assert con.execute(f"select {engine.text(hostile)}").fetchone() == (hostile,)
    assert con.execute("select count(*) from duckdb_tables() where table_name = 'broken'").fetchone() == (0,)


def test_a_nul_byte_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        engine.text("a\x00b")


def test_a_connection_works_in_utc_is_silent_and_loads_nothing_by_itself(con):
    def setting(name: str) -> object:
        return con.execute(f"select current_setting('{name}')").fetchone()[0]

    assert setting("TimeZone") == "UTC"
    assert setting("enable_progress_bar") is False
    assert setting("autoinstall_known_extensions") is False
    assert setting("autoload_known_extensions") is False
    assert setting("temp_directory") == ""


def test_work_goes_to_the_folder_named_for_it(tmp_path):
    with engine.connect(spill=tmp_path / "spill'd", threads=1) as con:
        assert con.execute("select current_setting('temp_directory')").fetchone() == (str(tmp_path / "spill'd"),)
        assert con.execute("select current_setting('threads')").fetchone() == (1,)


@pytest.fixture
def shut(tmp_path):
    """A connection that may open one folder and one file."""
    inside, alone = tmp_path / "inside", tmp_path / "alone.csv"
    inside.mkdir()
    alone.write_text("a\n1\n")
    (tmp_path / "outside.csv").write_text("a\nsecret\n")
    (inside / "link.csv").symlink_to(tmp_path / "outside.csv")
    with engine.connect(files=(inside, alone), spill=tmp_path / "spill") as con:
        yield con


def test_f65_a_connection_opens_what_it_was_given(shut, tmp_path):
    inside = tmp_path / "inside" / "a.parquet"
    shut.execute(f"copy (select 1 as a) to {engine.text(inside)} (format parquet)")
    assert shut.execute(f"select a from read_parquet({engine.text(inside)})").fetchall() == [(1,)]
    assert shut.execute(f"select a from read_csv({engine.text(tmp_path / 'alone.csv')})").fetchall() == [(1,)]
    shut.execute("set variable x = 1")


@pytest.mark.parametrize(
    "query",
    [
        "from read_csv('{0}/outside.csv')",
        "from read_csv('{0}/inside/../outside.csv')",
        "from read_csv('{0}/inside/link.csv')",
        "from read_text('/etc/passwd')",
        "from glob('/etc/*')",
        "copy (select 1) to '{0}/out.csv'",
        "attach '{0}/other.duckdb'",
        "export database '{0}/all'",
        "install httpfs",
        "load httpfs",
        "install something from community",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "reset lock_configuration",
        "set threads = 64",
        "pragma memory_limit = '1TB'",
    ],
)
def test_f65_and_nothing_else(shut, tmp_path, query):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
        shut.execute(query.format(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_every_connection_keeps_its_configuration_and_loads_nothing(con):
    for query in ("set threads = 64", "reset lock_configuration", "set allow_community_extensions = true"):
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            con.execute(query)


FORKED = """
import os
from linkwork import engine

def answer():
    with engine.asking() as con:
        return con.execute("select timestamptz '2025-07-01 12:00:00+00'::varchar").fetchone()[0]

print(answer(), flush=True)
if (pid := os.fork()) == 0:
    print(answer(), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(answer())
"""


def test_a_question_is_answered_in_utc_wherever_it_is_asked_and_in_a_forked_process_too():
    environment = os.environ | {"TZ": "America/New_York", "PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FORKED], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines() == ["2025-07-01 12:00:00+00"] * 3


def test_what_a_question_made_is_seen_by_no_other():
    with engine.asking() as one, engine.asking() as another:
        one.execute("create temp table made as select 1 as n")
        with pytest.raises(duckdb.CatalogException):
            another.execute("from made")
    with pytest.raises(duckdb.CatalogException), engine.asking() as later:
        later.execute("from made")


def test_a_question_is_bound_to_the_settings_of_every_connection(con):
    with engine.asking() as asked:
        for setting in ("TimeZone", "enable_progress_bar", "threads", "memory_limit", "temp_directory"):
            query = f"select current_setting('{setting}')"
            assert asked.execute(query).fetchone() == con.execute(query).fetchone()
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            asked.execute("set threads = 64")
