"""One CSV file of appointments to a typed zstd Parquet file, as others would do it: `python csv_peers.py NAME CSV OUT`.

A process of its own for each, with no part of the project in it, so that its time and memory are its own. What it finds
is printed as JSON. `duckdb` is the raw limit of this machine: read typed, write, nothing else.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

TIMES = ("booked_at", "slot_start", "extract_at")


def duckdb(source: Path, target: Path) -> int:
    import duckdb as engine

    con = engine.connect(config={"threads": 2})
    con.execute("set enable_progress_bar = false")
    with source.open() as handle:
        header = handle.readline().rstrip("\n").split(",")
    types = ", ".join(f"'{c}': '{'timestamp' if c in TIMES else 'varchar'}'" for c in header)
    query = f"""copy (select * from read_csv('{source}', auto_detect = false, header = true, delim = ',', quote = '"',
        columns = {{{types}}})) to '{target}' (format parquet, compression zstd)"""
    return int(con.execute(query).fetchall()[0][0])


def pandas(source: Path, target: Path) -> int:
    import pandas as pd

    frame = pd.read_csv(source, dtype=str, parse_dates=list(TIMES), keep_default_na=False)
    frame.to_parquet(target, compression="zstd")
    return len(frame)


def polars(source: Path, target: Path) -> int:
    import polars as pl

    times = [pl.col("booked_at").str.to_datetime(), pl.col("slot_start").str.to_datetime()]
    times.append(pl.col("extract_at").str.to_datetime(time_zone="UTC"))
    frame = pl.scan_csv(source, infer_schema=False).with_columns(times)
    frame.sink_parquet(target, compression="zstd")
    return int(pl.scan_parquet(target).select(pl.len()).collect().item())


def dlt(source: Path, target: Path) -> int:
    """The path of dlt that its documentation calls the quick one: Arrow tables into DuckDB."""
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt as pipelines
    import duckdb as engine
    from pyarrow import csv

    def batches() -> object:
        yield from csv.open_csv(source)

    home = target.with_suffix(".dlt")
    database = target.with_suffix(".duckdb")
    pipeline = pipelines.pipeline(
        "benchmark", pipelines_dir=str(home), destination=pipelines.destinations.duckdb(str(database)), dataset_name="d"
    )
    pipeline.run(pipelines.resource(batches, name="appointments"))
    with engine.connect(str(database), read_only=True) as con:
        return int(con.execute("select count(*) from d.appointments").fetchall()[0][0])


def measured(work: Callable[[], int]) -> dict[str, float | int]:
    """Seconds on the wall's and the processor's clock, over all child processes too, and the most memory held."""
    before, wall = os.times(), time.perf_counter()
    rows = work()
    wall, after = time.perf_counter() - wall, os.times()
    # `getrusage` gives a process what its parent held when it was started, too; the kernel's high-water mark does not.
    status = Path("/proc/self/status").read_text()
    own = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "rows": rows,
        "wall": wall,
        "processor": sum(after[:4]) - sum(before[:4]),
        "peak_mib": max(own, children) / 1024,
    }


PEERS = {"duckdb": duckdb, "pandas": pandas, "polars": polars, "dlt": dlt}

if __name__ == "__main__":
    name, source, target = sys.argv[1:]
    print(json.dumps(measured(lambda: PEERS[name](Path(source), Path(target)))))
