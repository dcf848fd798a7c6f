"""One large CSV file, taken through the gate and committed with everything on, against what only reads and writes it.

    python -m benchmarks.csv_feed --rows 1000000 5000000 --peers .benchmarks/peers/bin/python

The raw limit is DuckDB that reads the same file typed and writes zstd Parquet, in the same run. The Great Expectations
boundaries are left out: they see the batch, not the file, and cost the same for any.
"""

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from benchmarks import feeds
from benchmarks.big_log import settings_of
from benchmarks.clock import as_line, machine
from benchmarks.csv_ids import ids
from benchmarks.csv_peers import PEERS, measured
from benchmarks.homes import pass_all
from benchmarks.tree import Watch
from ingestion import pipeline
from linkwork import engine, reference
from linkwork.log.store import Store
from linkwork.privacy.keys import create_keys

SENDER = "Z90001"
HERE = Path(__file__)


def write_file(path: Path, rows: int) -> None:
    """Appointments of one sender, no two alike."""
    numbered = f"""(select 1 as sender_no, {engine.text(SENDER)} as sender, false as changed, range as n,
        timestamptz '2026-06-01 00:00:00Z' as stated_at from range({int(rows)}))"""
    with engine.connect(spill=path.parent / "spill") as con:
        feeds.write_csv(con, feeds.APPOINTMENTS, numbered, path)


def ingest(source: Path, scratch: Path) -> int:
    """Gate and commit, as `linkwork ingest` does. Raises RuntimeError where a record was not accepted."""
    settings = settings_of(scratch)
    create_keys(settings)
    sender = {"code": SENDER, "name": "A practice", "kind": "practice", "source_system": "benchmark"}
    reference.add_rows(settings.reference_dir, "senders", "code", [{**sender, "feeds": [feeds.APPOINTMENTS]}])
    landed = settings.landing_dir / feeds.APPOINTMENTS / SENDER
    landed.mkdir(parents=True)
    os.link(source, landed / "appointments.csv")
    batch = pipeline.open_batch(settings)["batch_id"]
    staged = pipeline.stage_sender(settings, batch, SENDER)
    pass_all(settings, batch)
    done = pipeline.commit_batch(settings, batch)
    if done["files"]["committed"] != 1:
        why = (
            engine.connect()
            .execute(f"select detail from {Store(settings.log_dir).loads.refresh().relation()}")
            .fetchall()
        )
        raise RuntimeError(f"the file was not committed: {why}")
    return int(staged["records"])


def subject(name: str, source: Path, peers: Path) -> dict[str, Any]:
    """Run one subject in a process of its own."""
    with tempfile.TemporaryDirectory(dir=source.parent) as scratch:
        if name in OURS:
            command = [sys.executable, "-m", "benchmarks.csv_feed", "--child", name, str(source), scratch]
        else:
            python = sys.executable if name == "duckdb" else str(peers)
            command = [python, str(HERE.with_name("csv_peers.py")), name, str(source), f"{scratch}/out.parquet"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


OURS = {"linkwork": ingest, "ids alone": ids}


def compared(folder: Path, rows: int, names: list[str], repeats: int, peers: Path) -> dict[str, Any]:
    """The median of each subject on one file; all of them once before any a second time, so that noise falls on all."""
    source = folder / f"{rows}.csv"
    write_file(source, rows)
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            found = subject(name, source, peers)
            if found["rows"] != rows:
                raise RuntimeError(f"{name} took {found['rows']} of {rows} rows")
            taken[name].append(found)
    result = {"rows": rows, "megabytes": source.stat().st_size / 1e6}
    source.unlink()
    for name, found in taken.items():
        result[name] = {key: statistics.median(one[key] for one in found) for key in ("wall", "processor", "peak_mib")}
    return result


def markdown(results: dict[str, Any]) -> str:
    lines = ["# One large CSV file", "", as_line(results["machine"])]
    for one in results["files"]:
        lines += [
            "",
            f"{one['rows']:,} rows, {one['megabytes']:,.0f} MB; ratios: DuckDB's time over the subject's",
            "",
            "| subject | wall s | processor s | ratio (wall) | ratio (processor) | peak MiB |",
            "|---|---|---|---|---|---|",
        ]
        raw = one["duckdb"]
        for name, found in one.items():
            if isinstance(found, dict):
                ratios = " | ".join(f"{raw[clock] / found[clock]:.2f}" for clock in ("wall", "processor"))
                seconds = f"{found['wall']:.1f} | {found['processor']:.1f}"
                lines.append(f"| {name} | {seconds} | {ratios} | {found['peak_mib']:,.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="One large CSV file with everything on, against others.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--subjects", nargs="+", choices=(*OURS, *PEERS), default=[*OURS, *PEERS])
    parser.add_argument("--peers", type=Path, default=Path(".benchmarks/peers/bin/python"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if given.child:
        name, source, scratch = given.child[0], Path(given.child[1]), Path(given.child[2])
        before = time.process_time()
        with Watch(os.getpid()) as watch:  # the gate's workers do most of it, and nobody waits for them
            found = measured(lambda: OURS[name](source, scratch))
        print(json.dumps(found | {"processor": watch.processor - before, "peak_mib": watch.peak_mib}))
        return
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(["duckdb", *given.subjects]))
    if not given.peers.exists() and (left := [n for n in names if n not in (*OURS, "duckdb")]):
        sys.exit(f"{', '.join(left)}: not installed in {given.peers}; run `make benchmark-peers` or choose --subjects")
    found = [compared(folder, rows, names, given.repeats, given.peers) for rows in given.rows]
    results = {"machine": machine(), "files": found}
    print(json.dumps(results, indent=2) if given.json else markdown(results))
    shutil.rmtree(folder / "tmp", ignore_errors=True)


if __name__ == "__main__":
    main()
