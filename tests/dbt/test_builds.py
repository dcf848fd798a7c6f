"""Whole builds: of nothing, of GP data alone, of the same events in another order, and of a warehouse again by hand."""

import random
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from linkwork.dbt_run import run_dbt
from linkwork.engine import connect
from linkwork.errors import EXIT_INTERNAL, LinkworkError, OutOfMemoryError
from linkwork.processes import Finished
from linkwork.settings import Settings
from linkwork.warehouse import build, dbt_dir
from tests.dbt.project import Dbt, EmptyBuild
from tests.spec.warehouse import Warehouse
from tests.support.installation import install

SEEDED = {"dim_code_map", "dim_comparability_breaks"}  # of files of the project, whatever was loaded
JOURNEY = """
person | record  | event                | on         | says
ann    | reg-ann | registration.started | 2010-01-01 | at=Z90001
ann    | per-ann | person.described     | 2023-01-01 | at=Z90001; sex=female; birth_month=1950-06-01
ann    | R1      | referral.received    | 2024-06-10 | at=Z90001; route=gp; reasons=LOCAL:DEBT,73595000
ann    | R1      | referral.received    | 2024-06-10 | at=Z90001; kind=revision; asserted=2024-06-20
ann    | R1      | referral.accepted    | 2024-06-12 |
ann    | R1      | referral.rejected    | 2024-06-13 | asserted=2024-06-14; kind=revision
ann    | R1      | referral.accepted    | 2024-06-12 | asserted=2024-06-15; kind=revision
ann    | C1      | contact.held         | 2024-06-20 | referral=R1
ann    | V1      | activity.attended    | 2024-07-01 | referral=R1; called=housing
ann    | V2      | activity.attended    | 2024-07-01 | referral=R1; called=housing; asset_id=A
bob    | V3      | activity.attended    | 2024-07-01 | called=housing; asset_id=A
ann    | W1      | activity.booked      | 2024-07-01 | referral=R1; called=housing; asset_id=A
ann    | G1      | goal.set             | 2024-06-20 | referral=R1; provider_code=S1
ann    | G2      | goal.reviewed        | 2024-09-20 | referral=R1; provider_code=S1; goal_status=achieved
ann    | M1      | measure.recorded     | 2024-06-20 | referral=R1; instrument=ONS4; items=4,5,6,7
ann    | M2      | measure.recorded     | 2024-06-20 | referral=R1; instrument=ONS4; items=5,5,6,7
ann    | M3      | measure.recorded     | 2024-09-20 | referral=R1; instrument=ONS4; items=6,5,6,3
ann    | M4      | measure.recorded     | 2024-09-20 | referral=R1; instrument=ONS4; items=7,5,6,3
bob    | reg-bob | registration.started | 2010-01-01 | at=Z90001
bob    | R2      | referral.received    | 2024-07-10 | at=Z90001; route=gp
bob    | R2      | referral.closed      | 2024-08-10 | reason=completed
"""
GP_ONLY = """
person | record | event                | on         | says
ann    | P1     | person.described     | 2023-01-01 | sex=female; birth_month=1950-06-01
ann    | E1     | appointment.attended | 2023-02-01 |
ann    | E2     | appointment.attended | 2023-02-09 |
bob    | E3     | appointment.attended | 2023-03-01 |
ann    | N1     | need.recorded        | 2023-02-01 | code=73595000; code_system=http://snomed.info/sct
ann    | N2     | need.recorded        | 2023-02-01 | code=1234; code_system=elsewhere
"""


def journey() -> Warehouse:
    warehouse = Warehouse()
    warehouse.practice("Z90001")
    warehouse.add("journey", JOURNEY)
    for month in range(36):
        for person in ("ann", "bob"):
            day = f"{2023 + month // 12}-{month % 12 + 1:02}-05"
            record = f"{person}{month}"
            warehouse.event("journey", person, record, "appointment.attended", day, practice_code="Z90001")
    return warehouse


def test_an_empty_log_builds_and_every_mart_is_there(empty_build: EmptyBuild) -> None:
    assert empty_build.finished.returncode == 0, empty_build.finished.output
    kept = {name: len(rows) for name, rows in empty_build.tables.items() if rows and name not in SEEDED}
    assert kept == {"dim_organisations": 1, "dim_areas": 3, "dim_current_footprint": 1}  # UNKNOWN, at each level
    assert len(empty_build.tables) >= 15


def test_unit_tests_ran_and_passed(empty_build: EmptyBuild) -> None:
    units = [r for r in empty_build.results if r["unique_id"].startswith("unit_test.")]
    assert len(units) == len(empty_build.manifest["unit_tests"]) >= 15
    assert {r["status"] for r in units} == {"pass"}


def test_a_log_of_gp_data_alone_builds(dbt: Dbt) -> None:
    warehouse = Warehouse()
    warehouse.add("gp", GP_ONLY)
    finished = dbt("build", warehouse, "--exclude-resource-type", "unit_test")
    assert finished.returncode == 0, finished.output
    tables = dbt.tables()
    sizes = [len(tables[name]) for name in ("dim_people", "fct_appointments", "fct_needs", "fct_referrals")]
    assert sizes == [2, 3, 2, 0]
    assert tables["rpt_uptake"] == []


class Orders(NamedTuple):
    """The marts of one journey told in two orders, and the warehouse of the second."""

    marts: list[dict[str, list[tuple[Any, ...]]]]
    database: Path


@pytest.fixture(scope="module")
def orders(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Orders:
    """Positions, loads and arrival differ."""
    forwards, shuffled = journey(), journey()
    random.Random(7).shuffle(shuffled.events)  # noqa: S311
    for number, event in enumerate(shuffled.events, start=1):
        event |= {"global_position": number, "load_id": f"load {number % 5}", "source_line": number}
    built = []
    for warehouse in (forwards, shuffled):
        finished = dbt("build", warehouse, "--resource-types", "seed", "model")
        assert finished.returncode == 0, finished.output
        built.append(dbt.tables())
    return Orders(built, Path(shutil.copy(dbt.database, tmp_path_factory.mktemp("orders"))))


def test_f97_the_order_of_arrival_changes_no_mart(orders: Orders) -> None:
    """The marts do not differ (rpt_data_quality, about delivery, is empty)."""
    built = orders.marts
    assert built[0]["rpt_uptake"], "the journey must reach the marts"
    assert built[0]["rpt_gp_reattendance"]
    assert all(built[0][mart] for mart in ("rpt_activity", "rpt_activity_people", "rpt_outcomes", "rpt_plans"))
    for name, rows in built[0].items():
        assert rows == built[1][name], name


def test_what_was_built_before_is_replaced_as_a_whole_and_described(dbt: Dbt, orders: Orders) -> None:
    """As an analyst does who runs dbt by hand on a warehouse: `dim_areas` was a table, and is a view there."""
    shutil.copy(orders.database, dbt.database)
    before = dbt.tables()
    with connect(dbt.database) as con:
        con.execute("drop table dim_areas; create view dim_areas as select 1 as stale")
        con.execute("delete from fct_referrals")
    finished = dbt.again("run")
    assert finished.returncode == 0, finished.output
    assert dbt.tables() == before
    with connect(dbt.database, read_only=True) as con:
        names = con.execute("select table_name from information_schema.tables where table_schema = 'main'").fetchall()
        undescribed = con.execute(
            """select table_name, column_name from duckdb_columns()
            where schema_name = 'main' and table_name like 'rpt%' and comment is null"""
        ).fetchall()
    assert not [name for (name,) in names if name.endswith(("__dbt_tmp", "__dbt_backup"))]
    assert not undescribed


def test_a_home_that_was_moved_is_not_parsed_again(tmp_path: Path) -> None:
    """What dbt parsed holds no path of the home: it serves in another, too, until a file of the project changes."""

    def parse(home: str) -> str:
        done = run_dbt(Settings(home=tmp_path / home), tmp_path / home / "warehouse.duckdb", target, ["parse"], log)
        assert done.returncode == 0, done.output
        return done.output

    target, log = tmp_path / "target", tmp_path / "parse.log"
    (tmp_path / "home").mkdir()
    parse("home")
    (tmp_path / "home").rename(tmp_path / "moved")
    assert "Unable to do partial parsing" not in parse("moved")


def test_a_build_without_memory_says_what_to_do_and_leaves_nothing(tmp_path: Path) -> None:
    made = install(tmp_path)
    short = replace(made, env=made.env | {"LINKWORK_MEMORY_LIMIT": "5MB"})
    failed = short.run("build", expect=EXIT_INTERNAL)
    assert "DuckDB ran out of memory" in failed.stderr
    assert OutOfMemoryError.DO in failed.stderr
    assert not (made.home / "warehouse" / "warehouse.duckdb").exists()


def test_models_without_memory_are_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is pinned with enough; how much a model needs depends on the machine, so dbt has next to nothing."""

    def run_short(settings: Settings, *arguments: Any) -> Finished:
        return run_dbt(settings.model_copy(update={"memory_limit": "5MB"}), *arguments)

    monkeypatch.setattr("linkwork.warehouse.run_dbt", run_short)
    settings = Settings(home=tmp_path)
    with pytest.raises(OutOfMemoryError, match=r"code_map \(Out of Memory Error\)") as failed:
        build(settings)
    assert OutOfMemoryError.DO in str(failed.value)
    assert not settings.warehouse_file.exists()


@pytest.mark.parametrize(
    "left", ['{"results": [{"unique_id": "test.old", "status": "fail", "message": ""}]}', '{"resu']
)
def test_what_an_earlier_build_found_is_not_said_of_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    settings = Settings(home=tmp_path)
    target = dbt_dir(settings)
    target.mkdir(parents=True)
    (target / "run_results.json").write_text(left)
    monkeypatch.setattr("linkwork.warehouse.run_dbt", lambda *_: Finished(-9, "killed"))
    with pytest.raises(LinkworkError, match="the marts could not be built") as failed:
        build(settings)
    assert "test.old" not in str(failed.value)


@pytest.mark.parametrize("model", ["stg_log__appointment_events", "int_appointment_slots"])
def test_what_reads_most_keeps_no_copy_of_it(empty_build: EmptyBuild, model: str) -> None:
    with connect(empty_build.database, read_only=True) as con:
        plan = "".join(text for _, text in con.execute(f"explain {empty_build.compiled[model]}").fetchall())
    assert "HASH_JOIN" in plan
    named = set(re.findall(r"CTE Name:[^\w]*(\w+)", plan)) - {"__common_subplan_1"}  # four columns, DuckDB's own
    assert not named, "DuckDB writes what is named once and used twice to a table of its own"
