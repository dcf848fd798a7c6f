"""A region from zero to a release, and one more day on top of it, through the command line.

    linkwork simulate --preset pcn --days 1 --out .benchmarks/pcn
    python -m benchmarks.scale --region .benchmarks/pcn

Each stage is a command of its own, watched from outside (`tree.py`). Beside each stands the bare work on the same data
in the same run: DuckDB that reads the files and writes them as Parquet, runs the SQL of the models and tests in one
connection, and copies the released tables. What a command costs whatever there is to do, the start of dbt and Great
Expectations for the most part, is what the same commands take on the smallest region.

A big region takes an hour or more: what was measured is noted in the folder as it comes, and where a stage fails or is
interrupted, the same command goes on from the last one done. A run that reaches its end removes what it made.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import traces
from benchmarks.big_log import settings_of
from benchmarks.clock import Moment, as_line, machine
from benchmarks.homes import command, take_in
from benchmarks.layers import layers
from benchmarks.marts import bare, statements
from linkwork import engine
from linkwork.errors import UsageError
from linkwork.files import write_json
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings

STAGES = ("ingest", "build", "publish")
FEW = 300  # people of the smallest region


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--region", type=Path, required=True, help="what `linkwork simulate --days 1` wrote")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks"), help="where the home is made")
    parser.add_argument("--no-bare", action="store_true", help="leave out the bare work beside the stages")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    given = parser.parse_args()
    folder = given.folder.absolute() / "scale"
    results = measure(given.region.absolute(), folder, with_bare=not given.no_bare)
    shutil.rmtree(folder)
    print(json.dumps(results, indent=2) if given.json else markdown(results))


class Noted:
    """What was measured, by name, in a file of the folder: each is measured once, however often a run starts anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, name: str, work: Callable[[], object]) -> Any:
        if name not in self.results:
            self.results[name] = work()
            write_json(self._path, self.results)
        print(name, json.dumps(self.results[name]), file=sys.stderr, flush=True)
        return self.results[name]


def measure(region: Path, folder: Path, *, with_bare: bool) -> dict[str, Any]:
    """What each stage uses: of the region from zero, of each day after it, and of next to nothing.

    Raises UsageError where the folder holds what was measured of another region.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noted = Noted(folder / "measured.json")
    described = _described(region)
    if noted.once("region", lambda: described) != described:
        raise UsageError("the folder holds another region", where=str(folder), do="remove it or give another folder")
    few, smallest = settings_of(folder / "few"), folder / "few" / "region"
    if "fixed publish" not in noted.results:
        shutil.rmtree(folder / "few", ignore_errors=True)
        command(few, "simulate", "--people", str(FEW), "--out", str(smallest))
    results = {"machine": machine(), "region": described, "fixed": _stages(noted, "fixed", few, smallest)}
    settings = settings_of(folder / "home")
    results["from zero"] = _stages(noted, "from zero", settings, region)
    results["layers"] = noted.once("layers", lambda: layers(settings))
    if with_bare:
        results["bare"] = noted.once("bare", lambda: _bare(settings, region, folder / "bare"))
    results["disk"] = noted.once("disk", lambda: _disk(settings))
    results["traces"] = noted.once("traces", lambda: traces.measure(settings))
    results["days"] = {}
    for day in sorted((region / "days").glob("*")):
        results["days"][day.name] = _stages(noted, day.name, settings, day) | {"files": _files(day)}
    return results


def _stages(noted: Noted, what: str, settings: Settings, delivery: Path) -> dict[str, Any]:
    """Take a delivery to a release, a stage at a time."""

    def ingest() -> dict[str, Any]:
        if what in ("fixed", "from zero"):  # an attempt that was interrupted is no ground to measure on
            shutil.rmtree(settings.home, ignore_errors=True)
        create_keys(settings)
        return take_in(settings, delivery).row()

    def build() -> dict[str, Any]:
        used = command(settings, "build", "--json")
        return used.row() | {"events": json.loads(used.output)["position"]}

    def publish() -> dict[str, Any]:
        return command(settings, "publish", "--json").row()

    stages = {"ingest": ingest, "build": build, "publish": publish}
    found = {stage: noted.once(f"{what} {stage}", work) for stage, work in stages.items()}
    return found | {"events": found["build"]["events"]}


def _bare(settings: Settings, region: Path, folder: Path) -> dict[str, Any]:
    """The same reading, folding and writing by DuckDB alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    models, tests = statements(settings)
    made, tested = bare(settings, folder / "bare.duckdb", models, tests)
    warehouse = folder / settings.warehouse_file.name
    found = {
        "read": _timed(lambda: _read(region / "landing", folder / "read")),
        "models": vars(made),
        "tests": vars(tested),
        "write": _timed(lambda: _copy(warehouse, settings.releases_dir / "current", folder / "written")),
    }
    shutil.rmtree(folder)
    return found


def _read(landing: Path, target: Path) -> None:
    """Every file, feed by feed, to one Parquet file; what DuckDB cannot read it leaves out."""
    target.mkdir()
    with engine.connect() as con:
        for feed in sorted(landing.iterdir()):
            for suffix, reader in (
                ("csv", "read_csv({}, all_varchar = true, ignore_errors = true, union_by_name = true)"),
                ("jsonl", "read_json({}, format = 'newline_delimited', ignore_errors = true)"),
            ):
                if files := sorted(feed.rglob(f"*.{suffix}")):
                    path = engine.text(target / f"{feed.name}.parquet")
                    con.execute(f"copy (from {reader.format(engine.texts(files))}) to {path} ({engine.PARQUET})")


def _copy(warehouse: Path, release: Path, target: Path) -> None:
    """Every released table, as it stands in the warehouse."""
    target.mkdir()
    with duckdb.connect(warehouse, read_only=True) as con:
        places = dict(con.execute("select table_name, table_schema from information_schema.tables").fetchall())
        for table in sorted({path.stem for path in release.rglob("*.parquet")} & places.keys()):
            path = engine.text(target / f"{table}.parquet")
            con.execute(f"copy {places[table]}.{table} to {path} ({engine.PARQUET}, compression zstd)")


def _timed(work: Callable[[], object]) -> dict[str, float]:
    start = Moment.now()
    work()
    return vars(Moment.now() - start)


def _described(region: Path) -> dict[str, Any]:
    parameters = json.loads((region / "truth" / "parameters.json").read_text())
    return {"people": parameters["people"], "files": _files(region), "megabytes": _megabytes(region / "landing")}


def _files(delivery: Path) -> int:
    return sum(path.is_file() for path in (delivery / "landing").rglob("*"))


def _disk(settings: Settings) -> dict[str, float]:
    return {part.name: _megabytes(part) for part in sorted(settings.home.iterdir()) if part.is_dir()}


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def markdown(results: dict[str, Any]) -> str:
    region, zero, fixed = results["region"], results["from zero"], results["fixed"]
    disk = ", ".join(f"{part} {size:,.0f} MB" for part, size in results["disk"].items())
    lines = [
        f"# A region of {region['people']:,} people", "", as_line(results["machine"]), "",
        f"{region['files']:,} files of {region['megabytes']:,.0f} MB, {zero['events']:,} events. On disk: {disk}.", "",
        "| stage | wall s | processor s | peak MiB | fixed, wall s | bare, wall s / processor s | ratio (wall) | "
        "ratio (processor) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    lines += [_line(stage, zero[stage], fixed[stage], _bare_of(stage, results.get("bare"))) for stage in STAGES]
    shares = ", ".join(f"{layer} {share:.0%}" for layer, share in results["layers"].items())
    lines += ["", f"Of the time of the build's nodes: {shares}.", "", _traced(results["traces"])]
    for day, found in results.get("days", {}).items():
        took = sum(found[stage]["wall"] for stage in STAGES)
        start = sum(fixed[stage]["wall"] for stage in STAGES)
        lines += [
            "", f"One more day, {day}: {found['files']:,} files, {found['events'] - zero['events']:,} events; "
            f"{took:.1f} s in all, of which {start:.1f} s are fixed.", "",
            "| stage | wall s | processor s | peak MiB | fixed, wall s |", "|---|---:|---:|---:|---:|",
        ]  # fmt: skip
        lines += [_line(stage, found[stage], fixed[stage]) for stage in STAGES]
    return "\n".join(lines) + "\n"


def _traced(found: dict[str, Any]) -> str:
    slowest = found["slowest"]
    return (
        f"Tracing rows of {found['marts']} marts, {found['traces']} times: {found['median']:.2f} s at the median, "
        f"{found['start']:.2f} s of it to start the command; {found['within_a_second']} within a second, the slowest "
        f"({slowest['mart']}) {slowest['seconds']:.2f} s; up to {found['most_events']:,} events behind a row."
    )


def _bare_of(stage: str, found: dict[str, Any] | None) -> dict[str, float] | None:
    if found is None:
        return None
    parts = {"ingest": ("read",), "build": ("models", "tests"), "publish": ("write",)}[stage]
    return {clock: sum(found[part][clock] for part in parts) for clock in ("wall", "processor")}


def _line(stage: str, found: dict[str, float], fixed: dict[str, float], raw: dict[str, float] | None = None) -> str:
    """A row of the table; the ratio is what is not fixed over the bare work."""
    cells = [stage, f"{found['wall']:.1f}", f"{found['processor']:.1f}", f"{found['peak_mib']:,.0f}"]
    cells.append(f"{fixed['wall']:.1f}")
    if raw:
        cells.append(f"{raw['wall']:.1f} / {raw['processor']:.1f}")
        cells += _ratios(found, fixed, raw)
    return f"| {' | '.join(cells)} |"


def _ratios(found: dict[str, float], fixed: dict[str, float], raw: dict[str, float]) -> Iterable[str]:
    return [f"{max(found[clock] - fixed[clock], 0) / raw[clock]:.2f}" for clock in ("wall", "processor")]


if __name__ == "__main__":
    main()
