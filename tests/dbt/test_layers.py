"""The rules that keep the models apart, read from dbt's own manifest and compiled SQL."""

import json
import re
from pathlib import Path
from typing import Any

from linkwork.engine import connect
from linkwork.log.catalogue import Catalogue
from linkwork.log.envelope import ENVELOPE
from linkwork.release.marts import Mart, read_described, read_marts
from tests.dbt.project import PROJECT, EmptyBuild

CLOCKS = re.compile(
    r"\b(now|today|current_date|current_timestamp|current_time|localtimestamp|localtime|get_current_timestamp"
    r"|transaction_timestamp|random|uuid|gen_random_uuid)\b",
    re.IGNORECASE,
)
COMMENT = re.compile(r"--[^\n]*")
LITERAL = re.compile(r"'[^']*'")
BELOW = {"staging": {"staging"}, "intermediate": {"staging", "intermediate"}}
BELOW |= {"core": {"intermediate", "core"}, "reporting": {"core"}, "restatements": {"core", "reporting"}}
BELOW |= {"trace": {"staging", "intermediate", "core", "reporting", "restatements"}}


def layer(path: str) -> str:
    """staging, intermediate, core, reporting, restatements or trace."""
    parts = Path(path).parts
    return parts[1] if parts[0] == "marts" else parts[0]


def test_no_model_reads_the_clock_or_decides_by_position(empty_build: EmptyBuild) -> None:
    assert len(empty_build.compiled) >= len(empty_build.models())
    for name, sql in empty_build.compiled.items():
        code = LITERAL.sub("''", COMMENT.sub("", sql))
        assert not CLOCKS.search(code), name
        assert "global_position" not in code, name


# These take one of the values they are given, or count them: no order of adding up changes what they say.
EXACT = {
    "min",
    "max",
    "count",
    "count_star",
    "arg_min",
    "arg_max",
    "arg_min_null",
    "arg_max_null",
    "first",
    "any_value",
}
# quantile_cont is between two values of the sorted ones, whatever order they came in.
EXACT |= {
    "quantile_disc",
    "quantile_cont",
    "mode",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "list",
    "string_agg",
}
FLOATING = {"DOUBLE", "FLOAT"}


def added_up(plan: Any) -> set[str]:
    """The aggregates and window functions of a plan that do arithmetic with floating-point values."""
    found = set()
    if isinstance(plan, list):
        return set().union(*map(added_up, plan))
    if isinstance(plan, dict):
        if plan.get("expression_class") in ("BOUND_AGGREGATE", "BOUND_WINDOW"):
            types = {argument["id"] for argument in plan.get("arguments") or ()}
            if types & FLOATING and plan["name"] not in EXACT:
                found.add(plan["name"])
        return found.union(*map(added_up, plan.values()))
    return found


def plan_of(con: Any, sql: str) -> Any:
    """DuckDB's plan of a query, bound to the tables that are there, so that every function's types are known."""
    plan = json.loads(con.execute("select json_serialize_plan(?)", [sql]).fetchone()[0])
    assert not plan["error"], plan
    return plan["plans"]


def test_no_model_adds_up_floating_point_values(empty_build: EmptyBuild) -> None:
    """Such a sum depends on the order of adding, and so on threads: the same log would give other bytes."""
    with connect(empty_build.database, read_only=True) as con:
        found = {name: added_up(plan_of(con, sql)) for name, sql in empty_build.compiled.items()}
        assert {name: names for name, names in found.items() if names} == {}
        assert added_up(plan_of(con, "select sum(x) from (select 1.5::double as x)")) == {"sum"}
        assert added_up(plan_of(con, "select avg(x) over (order by x) from (select 1.5::double as x)")) == {"avg"}
        assert added_up(plan_of(con, "select sum(x), max(x) from (select 1.5::decimal(9, 1) as x)")) == set()


def test_a_model_reads_only_the_layers_it_may(empty_build: EmptyBuild) -> None:
    nodes = empty_build.manifest["nodes"]
    for name, model in empty_build.models().items():
        parents = [nodes[p] for p in model["depends_on"]["nodes"] if p in nodes]
        layers = {layer(p["path"]) for p in parents if p["resource_type"] == "model"}
        assert layers <= BELOW[layer(model["path"])], name


def test_only_staging_reads_sources_and_three_models_read_the_log(empty_build: EmptyBuild) -> None:
    readers = set()
    for name, model in empty_build.models().items():
        sources = [p for p in model["depends_on"]["nodes"] if p.startswith("source.")]
        assert not sources or layer(model["path"]) == "staging", name
        if "source.linkwork.log.events" in sources:
            readers.add(name)
    assert readers == {"base_log__events", "stg_log__load_events", "stg_log__changes"}


def test_nothing_reads_a_file(empty_build: EmptyBuild) -> None:
    for name, sql in empty_build.compiled.items():
        assert not re.search(r"read_(parquet|csv|json)|\.(parquet|csv)'", sql), name


def test_every_model_begins_with_its_grain_and_says_it_again(empty_build: EmptyBuild) -> None:
    for name, model in empty_build.models().items():
        first = (PROJECT / model["original_file_path"]).read_text().splitlines()[0]
        assert re.match(r"-- One row\b", first), name
        assert model["description"].startswith("One row"), name


def test_every_mart_has_a_contract_and_describes_every_column(empty_build: EmptyBuild) -> None:
    marts = {n: m for n, m in empty_build.models().items() if m["path"].startswith("marts")}
    assert marts
    for name, model in marts.items():
        assert model["contract"]["enforced"], name
        assert all(column["description"] for column in model["columns"].values()), name
        assert all(column["data_type"] for column in model["columns"].values()), name


def test_every_mart_has_a_key_test_on_the_key_it_is_released_by(empty_build: EmptyBuild) -> None:
    nodes = empty_build.manifest["nodes"].values()
    tests = [n for n in nodes if n["resource_type"] == "test" and n.get("test_metadata")]
    keys: dict[str, list[set[str]]] = {}
    for test in tests:
        kwargs, kind = test["test_metadata"]["kwargs"], test["test_metadata"]["name"]
        model = (test.get("attached_node") or "").rpartition(".")[2]
        if kind == "unique":
            keys.setdefault(model, []).append({kwargs["column_name"]})
        if kind == "unique_combination":
            keys.setdefault(model, []).append(set(kwargs["columns"]))
    for mart in read_marts(empty_build.manifest_file):
        assert any(key <= set(mart.meta.key) for key in keys.get(mart.name, [])), mart.name


def test_release_metadata_names_only_columns_that_exist(empty_build: EmptyBuild) -> None:
    for mart in read_marts(empty_build.manifest_file):
        named = set(mart.meta.key)
        if rule := mart.meta.disclosure:
            named |= {rule.area_level, rule.period_type, rule.period_end, *rule.splits, *rule.cells}
            named |= {*rule.labels, *rule.drop, *rule.derived}
            named |= {c for rate in rule.rates.values() for c in (rate.numerator, rate.denominator)}
        assert named <= set(mart.columns), mart.name


def test_every_column_of_an_open_mart_is_accounted_for(empty_build: EmptyBuild) -> None:
    """A column that is no key, no controlled figure, no label and not dropped would be published as it is."""
    for mart in read_marts(empty_build.manifest_file):
        rule = mart.meta.disclosure
        if rule is None:
            continue
        known = {*mart.meta.key, rule.period_end, *rule.cells, *rule.derived, *rule.labels, *rule.drop}
        assert set(mart.columns) - known == set(), mart.name


def test_every_public_model_has_an_exposure(empty_build: EmptyBuild) -> None:
    exposed = {p for e in empty_build.manifest["exposures"].values() for p in e["depends_on"]["nodes"]}
    for name, model in empty_build.models().items():
        assert model["access"] != "public" or model["unique_id"] in exposed, name


def test_folds_are_private_and_only_reporting_is_public(empty_build: EmptyBuild) -> None:
    access = {"staging": "private", "intermediate": "private", "core": "protected", "reporting": "public"}
    access["restatements"] = "public"
    access["trace"] = "private"
    for name, model in empty_build.models().items():
        assert model["access"] == access[layer(model["path"])], name


def traced(empty_build: EmptyBuild) -> dict[str, Mart]:
    return {mart.name: mart for mart in read_described(empty_build.manifest_file)}


def test_every_mart_says_where_its_rows_come_from(empty_build: EmptyBuild) -> None:
    names = {n for n, m in empty_build.models().items() if m["path"].startswith("marts")}
    assert names == {name for name, mart in traced(empty_build).items() if mart.meta.trace}


def test_a_lineage_names_models_columns_and_categories_that_exist(empty_build: EmptyBuild) -> None:
    marts, models = traced(empty_build), empty_build.models()
    for name, mart in marts.items():
        lineage = mart.meta.trace
        assert lineage is not None, name
        assert {c for f in lineage.figures.values() for c in f.at} <= set(mart.meta.key), name
        assert set(lineage.figures) <= set(mart.columns), name
        assert {link.mart for link in lineage.rows} <= set(marts), name
        assert {link.through for link in lineage.rows} <= {n for n, m in models.items() if layer(m["path"]) == "trace"}
        for link in lineage.events:
            assert link.category in Catalogue.current().categories, name
            assert link.by in ENVELOPE and link.column in mart.columns, name
            assert link.model in models, name


def test_every_count_of_a_reporting_mart_can_be_traced(empty_build: EmptyBuild) -> None:
    for name, mart in traced(empty_build).items():
        if not name.startswith("rpt_"):
            continue
        lineage, columns = mart.meta.trace, empty_build.models()[name]["columns"]
        assert lineage is not None
        # Limits of intervals follow from their figure; what the sums are built from is not told twice.
        counts = {c for c, told in columns.items() if told["data_type"] == "bigint" and c not in mart.meta.key}
        assert counts <= set(lineage.figures), name


def test_no_figure_of_one_link_worker_leaves_the_restricted_tier(empty_build: EmptyBuild) -> None:
    """A link worker or referrer stands, as a pseudonym, in core marts only: in no reporting mart and no open one."""
    named = re.compile(r"link_worker|referrer_(id|key)|clinician")
    holders = {m.name: m for m in read_marts(empty_build.manifest_file) if any(map(named.match, m.columns))}
    assert {"fct_caseload", "fct_caseload_workers", "fct_connections", "fct_contacts"} <= set(holders)
    for name, mart in holders.items():
        assert name.startswith("fct_") and mart.meta.tiers == ["restricted"], name
