"""Building every mart of a simulated region, against the same SQL run bare.

    python -m benchmarks.marts --people 2000 20000

Bare is the SQL that dbt made of the models, in the order in which it ran them, and of the tests, in one DuckDB
connection with the same settings: no dbt, no contract, no threads of a scheduler. What dbt itself costs, whatever the
region's size, is shown apart: the build of a log without an event, which makes and tests as many tables.
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.big_log import settings_of
from benchmarks.clock import Moment, as_line, machine
from benchmarks.homes import command
from linkwork.built import target_dir
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings
from linkwork.warehouse import build

SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description="Building the marts, against the same SQL run bare.")
    parser.add_argument("--people", type=int, nargs="+", default=[2_000, 20_000], help="sizes of the region")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    given = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "regions": []}
    for people in [0, *given.people]:
        print(f"a region of {people:,} people", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            results["regions"].append(measure(Path(folder), people, given.repeats))
    print(json.dumps(results, indent=2) if given.json else markdown(results))


def measure(folder: Path, people: int, repeats: int) -> dict[str, Any]:
    """Seconds of a build, and of its models and tests run bare: the least of the repeats, after one build."""
    settings = _installed(folder, people)
    built = build(settings)
    builds = [_timed(lambda: build(settings)) for _ in range(repeats)]
    models, tests = statements(settings)
    unaided = [bare(settings, folder / "bare.duckdb", models, tests) for _ in range(repeats)]
    return {
        "people": people,
        "events": built["position"],
        "models": len(models),
        "tests": len(tests),
        "build": vars(min(builds, key=lambda one: one.processor)),
        "bare models": vars(min((one for one, _ in unaided), key=lambda one: one.processor)),
        "bare tests": vars(min((one for _, one in unaided), key=lambda one: one.processor)),
    }


def _installed(folder: Path, people: int) -> Settings:
    """A home that took in a region of so many people; of none, one that took in nothing but reference data."""
    settings = settings_of(folder)
    create_keys(settings)
    command(settings, "simulate", "--people", str(people or 300), "--seed", str(SEED), "--out", str(folder / "region"))
    command(settings, "reference", "load", "--all", str(folder / "region" / "reference"))
    if people:
        command(settings, "ingest", "--landing", str(folder / "region" / "landing"))
    return settings


def statements(settings: Settings) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(relation, its kind, SQL) of each model in the order in which dbt ran them, and the SQL of each test."""
    target = target_dir(settings)
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"]
    ran = [one["unique_id"] for one in json.loads((target / "run_results.json").read_bytes())["results"]]
    models, tests = [], []
    for node in (nodes[unique_id] for unique_id in ran if unique_id in nodes):
        if node["resource_type"] == "model":
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            models.append((node["relation_name"], kind, node["compiled_code"]))
        elif node["resource_type"] == "test":
            tests.append(node["compiled_code"])
    return models, tests


def bare(settings: Settings, copy: Path, models: list[tuple[str, str, str]], tests: list[str]) -> tuple[Moment, Moment]:
    """Run the models and the tests in a copy of the warehouse from which every model was dropped."""
    copy = copy.with_name(settings.warehouse_file.name)  # relations are named with their catalog
    shutil.copy(settings.warehouse_file, copy)
    with duckdb.connect(copy, config={"memory_limit": settings.memory_limit, "threads": settings.threads}) as con:
        con.execute("set TimeZone = 'UTC'; set enable_progress_bar = false; set preserve_insertion_order = false")
        for relation, kind, _ in models:
            con.execute(f"drop {kind} {relation} cascade")

        def make() -> None:
            for relation, kind, sql in models:
                con.execute(f"create {kind} {relation} as ({sql}\n)")

        def test() -> None:
            for sql in tests:
                con.execute(f"select count(*) from ({sql}\n)").fetchall()

        return _timed(make), _timed(test)


def _timed(work: Callable[[], object]) -> Moment:
    """Wall and processor seconds, of child processes too."""
    before = _children()
    start = Moment.now()
    work()
    return Moment.now() - start + Moment(0, _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def markdown(results: dict[str, Any]) -> str:
    empty, *regions = results["regions"]
    lines = [
        "# Building the marts", "", as_line(results["machine"]), "",
        f"{empty['models']} models and {empty['tests']} tests; seconds as wall / processor. The ratio is the build "
        "less the build without an event, over the models and tests run bare less theirs without an event.", "",
        "| people | events | build | bare models | bare tests | ratio (wall) | ratio (processor) |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in [empty, *regions]:
        seconds = " | ".join(
            f"{one[k]['wall']:.1f} / {one[k]['processor']:.1f}" for k in ("build", "bare models", "bare tests")
        )
        ratios = (
            "- | -"
            if one is empty
            else " | ".join(f"{_ratio(one, empty, clock):.2f}" for clock in ("wall", "processor"))
        )
        lines.append(f"| {one['people']:,} | {one['events']:,} | {seconds} | {ratios} |")
    return "\n".join(lines) + "\n"


def _ratio(one: dict[str, Any], empty: dict[str, Any], clock: str) -> float:
    """What the rows cost in a build, as a multiple of what they cost bare."""
    bare = sum(float(one[k][clock]) - float(empty[k][clock]) for k in ("bare models", "bare tests"))
    return (float(one["build"][clock]) - float(empty["build"][clock])) / bare


if __name__ == "__main__":
    main()
