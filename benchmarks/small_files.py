"""Many small files in one ingest: `python -m benchmarks.small_files --files 10000`.

Files of twenty records from several senders go through `linkwork ingest` with everything on, Great Expectations too.
What counts is the processor's time for a file, and how memory grows with their number: compare two numbers of files.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import feeds
from benchmarks.big_log import settings_of
from benchmarks.clock import machine
from benchmarks.homes import command
from linkwork import engine, reference
from linkwork.privacy.keys import create_keys
from linkwork.settings import Settings

SENDERS = [f"Z9000{n}" for n in range(1, 6)]


def deliver(settings: Settings, files: int, records: int) -> None:
    """The files in the landing folder, no two alike."""
    kept = {"kind": "practice", "source_system": "benchmark", "feeds": [feeds.APPOINTMENTS]}
    reference.add_rows(
        settings.reference_dir, "senders", "code", [{"code": code, "name": code, **kept} for code in SENDERS]
    )
    for number, sender in enumerate(SENDERS):
        theirs = range(number, files, len(SENDERS))
        whole = settings.home / f"{sender}.csv"
        rows = f"""(select {number + 1} as sender_no, {engine.text(sender)} as sender, false as changed, range as n,
            timestamptz '2026-06-01 00:00:00Z' as stated_at from range({len(theirs) * records}))"""
        with engine.connect() as con:
            feeds.write_csv(con, feeds.APPOINTMENTS, rows, whole)
        header, *lines = whole.read_text().splitlines(keepends=True)
        whole.unlink()
        folder = settings.landing_dir / feeds.APPOINTMENTS / sender
        folder.mkdir(parents=True)
        for place, file in enumerate(theirs):
            (folder / f"{file:06d}.csv").write_text(header + "".join(lines[place * records : (place + 1) * records]))


def ingest(settings: Settings, files: int) -> dict[str, Any]:
    """Run the command. Raises RuntimeError where a file was refused, or many were held.

    Of so few records more than usual may lack an NHS number by chance: such a file is held.
    """
    used = command(settings, "ingest", "--json")
    result = json.loads(used.output)
    fates = result["files"]
    if fates["committed"] + fates["held"] != files or fates["held"] > files / 4:
        raise RuntimeError(f"of {files} files were committed: {fates}")
    wall, processor = used.time.wall, used.time.processor
    return {
        "files": files,
        "held": fates["held"],
        "wall": round(wall, 1),
        "processor": round(processor, 1),
        "files_per_second": round(files / wall, 2),
        "processor_ms_per_file": round(1000 * processor / files, 1),
        "peak_mib_job": round(used.own_mib),
        "peak_mib_other": round(used.other_mib),
        "peak_mib_together": round(used.peak_mib),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_files", description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[500, 2_000])
    parser.add_argument("--records", type=int, default=20)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
    results = []
    for files in given.files:
        with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
            settings = settings_of(Path(scratch))
            create_keys(settings)
            deliver(settings, files, given.records)
            results.append(ingest(settings, files))
            print(json.dumps(results[-1]), file=sys.stderr)
    print(json.dumps({"machine": machine(), "records": given.records, "runs": results}, indent=2))


if __name__ == "__main__":
    main()
