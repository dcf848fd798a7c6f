"""What was measured, as tables in Markdown: machine, targets, and the numbers behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.clock import as_line
from benchmarks.erasure import LOG as ERASED

COMMIT_GROWTH, COMMIT_PEAK_MIB = 1.3, 2048
REDELIVERY_SECONDS = 0.3
VERIFY_MB_PER_SECOND, VERIFY_SHARE_OF_HASHING = 300, 0.5
ERASURE_PER_READING = 5
_CLOCKS = ("wall", "processor")


@dataclass(frozen=True)
class Target:
    """A number the project means to keep to, and what was found."""

    what: str
    found: str
    aim: str
    met: bool


def markdown(results: dict[str, Any]) -> str:
    """The whole report. `results` is what `python -m benchmarks --json` prints."""
    parts = ["# Benchmarks of the event log", as_line(results["machine"])]
    if aims := targets(results):
        rows = [(t.what, t.found, t.aim, "yes" if t.met else "**no**") for t in aims]
        parts.append(_table(("measured", "found", "aim", "met"), rows))
    for section in (_append, _redelivery, _verification, _erasure):
        parts += section(results)
    return "\n\n".join(parts) + "\n"


def targets(results: dict[str, Any]) -> list[Target]:
    """The aims that the measurements at hand can speak of."""
    found = []
    appends = results.get("append", [])
    for one in appends[1:]:
        growth, processor = (_of(one, "commit", c) / _of(appends[0], "commit", c) for c in _CLOCKS)
        found.append(
            Target(
                f"commit at {_millions(one)} against {_millions(appends[0])}",
                f"{growth:.2f} x (processor {processor:.2f} x)",
                f"at most {COMMIT_GROWTH} x",
                growth <= COMMIT_GROWTH,
            )
        )
    for one in appends:
        what, peak = f"peak memory of an append at {_millions(one)}", one["peak_mib"]
        found.append(Target(what, f"{peak:,.0f} MiB", f"at most {COMMIT_PEAK_MIB:,} MiB", peak <= COMMIT_PEAK_MIB))
    for one in results.get("redelivery", []):
        above, processor = (_above_hashing(one, c) for c in _CLOCKS)
        found.append(
            Target(
                f"a redelivered file of {one['megabytes']:.0f} MB at {_millions(one)}, above its hashing",
                f"{above:.2f} s (processor {processor:.2f} s)",
                f"at most {REDELIVERY_SECONDS} s",
                above <= REDELIVERY_SECONDS,
            )
        )
    for one in results.get("verification", []):
        speed = one["megabytes"] / one["verifying"]["wall"]
        share, processor = (one["hashing"][c] / one["verifying"][c] for c in _CLOCKS)
        found.append(
            Target(
                f"verify at {_millions(one)}",
                f"{speed:,.0f} MB/s, {share:.2f} x hashing (processor {processor:.2f} x)",
                f"{VERIFY_MB_PER_SECOND} MB/s or {VERIFY_SHARE_OF_HASHING} x hashing",
                speed >= VERIFY_MB_PER_SECOND or share >= VERIFY_SHARE_OF_HASHING,
            )
        )
    for one in results.get("erasure", []):
        ratio, processor = (_of(one, ERASED, c) / one["reading"][c] for c in _CLOCKS)
        found.append(
            Target(
                f"erasing one person from a compacted log of {_millions(one)}, against reading their bucket",
                f"{ratio:.1f} x (processor {processor:.1f} x)",
                f"at most {ERASURE_PER_READING} x",
                ratio <= ERASURE_PER_READING,
            )
        )
    return found


def _append(results: dict[str, Any]) -> list[str]:
    found = results.get("append", [])
    if not found:
        return []
    stages = list(found[-1]["stages"])
    header = ["stage, seconds (processor)", *(_millions(one) for one in found)]
    rows = [
        (stage, *(f"{_of(one, stage, 'wall'):.3f} ({_of(one, stage, 'processor'):.3f})" for one in found))
        for stage in stages
    ]
    return ["## Appending 20,000 records of 20 senders", _table(header, rows)]


def _redelivery(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _millions(one),
            f"{one['megabytes']:.1f} MB",
            *(_seconds(one[what]) for what in ("hashing", "empty", "redelivered")),
            _seconds({clock: _above_hashing(one, clock) for clock in _CLOCKS}),
            f"{one['peak_mib']:,.0f}",
        )
        for one in results.get("redelivery", [])
    ]
    header = ("log", "file", "hashing", "empty run", "redelivered", "above empty run and hashing", "peak MiB")
    return ["## A redelivered file, seconds (processor)", _table(header, rows)] if rows else []


def _verification(results: dict[str, Any]) -> list[str]:
    rows = [
        (
            _millions(one),
            one["files"],
            f"{one['megabytes']:,.0f}",
            _seconds(one["hashing"]),
            _seconds(one["verifying"]),
            f"{one['peak_mib']:,.0f}",
        )
        for one in results.get("verification", [])
    ]
    header = ("log", "files", "MB", "hashing", "verify", "peak MiB")
    return ["## Verifying, seconds (processor)", _table(header, rows)] if rows else []


def _erasure(results: dict[str, Any]) -> list[str]:
    found = results.get("erasure", [])
    if not found:
        return []
    header = ["seconds (processor)", *(_millions(one) for one in found)]
    rows = [
        ("compacting the log", *(_seconds(one["compacting"]) for one in found)),
        ("files of events before and after", *(f"{one['files_before']}, {one['files_after']}" for one in found)),
        ("reading one bucket", *(_seconds(one["reading"]) for one in found)),
        *((stage, *(_seconds(one["stages"][stage]) for one in found)) for stage in found[0]["stages"]),
        ("peak MiB", *(f"{one['peak_mib']:,.0f}" for one in found)),
    ]
    return ["## Erasing one person from a compacted log", _table(header, rows)]


def _above_hashing(one: dict[str, Any], clock: str) -> float:
    return float(one["redelivered"][clock] - one["empty"][clock] - one["hashing"][clock])


def _of(one: dict[str, Any], stage: str, clock: str) -> float:
    return float(one["stages"].get(stage, {}).get(clock, 0.0))


def _millions(one: dict[str, Any]) -> str:
    return f"{one['events'] / 1e6:g} M"


def _seconds(moment: dict[str, float]) -> str:
    return f"{moment['wall']:.3f} ({moment['processor']:.3f})"


def _table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    head = [str(cell) for cell in header]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
