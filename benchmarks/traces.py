"""How long a person waits for `linkwork trace`, from rows of each mart of a built home to their lines."""

import json
import random
import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.homes import command
from linkwork import engine
from linkwork.built import target_dir
from linkwork.release.marts import read_described
from linkwork.settings import Settings

SEED = 7
ROWS = 3  # of each mart


@dataclass(frozen=True)
class Traced:
    """One trace: wall seconds of the command, and how many events it led to."""

    mart: str
    seconds: float
    events: int


def measure(settings: Settings) -> dict[str, Any]:
    """Trace some rows of every mart that has any and may be traced; what starting the command takes stands apart."""
    traced = [trace(settings, mart, where) for mart, where in _rows(settings)]
    slowest = max(traced, key=lambda one: one.seconds)
    starts = [command(settings, "--version").time.wall for _ in range(5)]
    return {
        "marts": len({one.mart for one in traced}),
        "traces": len(traced),
        "start": statistics.median(starts),
        "median": statistics.median(one.seconds for one in traced),
        "within_a_second": sum(one.seconds <= 1 for one in traced),
        "slowest": vars(slowest),
        "most_events": max(one.events for one in traced),
    }


def trace(settings: Settings, mart: str, where: str) -> Traced:
    """Trace the row of a mart that satisfies a condition. Raises RuntimeError where it leads nowhere."""
    used = command(settings, "trace", mart, "--where", where, "--json")
    found = json.loads(used.output)
    if found["cells"]["total"] != 1:
        raise RuntimeError(f"{mart} where {where}: {found['cells']['total']} rows")
    return Traced(mart, used.time.wall, found["events"]["total"])


def _rows(settings: Settings) -> list[tuple[str, str]]:
    """(mart, condition) of random rows of each mart."""
    chosen = random.Random(SEED)  # noqa: S311 - a sample, no secret
    found = []
    with engine.connect(settings.warehouse_file, read_only=True) as con:
        for mart in read_described(target_dir(settings) / "manifest.json"):
            if mart.meta.trace is None or mart.meta.trace.withheld:
                continue
            rows = con.execute(f"select count(*) from {mart.relation}").fetchall()[0][0]
            key = ", ".join(f"{engine.name(column)}::varchar" for column in mart.meta.key)
            for place in sorted(chosen.sample(range(rows), min(ROWS, rows))):
                cells = con.execute(f"select {key} from {mart.relation} order by all limit 1 offset {place}").fetchall()
                conditions = zip(mart.meta.key, cells[0], strict=True)
                found.append((mart.name, " and ".join(_is(column, value) for column, value in conditions)))
    return found


def _is(column: str, value: str | None) -> str:
    told = "null" if value is None else engine.text(value)
    return f"{engine.name(column)}::varchar is not distinct from {told}"
