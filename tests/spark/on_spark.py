"""dbt's build on Spark, in one process: `python on_spark.py SOURCES WORK [arguments of dbt build …]`.

Runs in the environment of `make setup-spark`, where nothing of the project is installed. SOURCES/SCHEMA/TABLE.parquet
are the tables that `linkwork build` would show to dbt; every model and seed is written to WORK/marts/NAME, as Parquet.
dbt-spark's session method takes the session of its process, so the session is made here and holds for all of dbt.
"""

import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession

PROJECT = Path(__file__).parents[2] / "dbt_project"


def session(work: Path) -> SparkSession:
    """A session of one machine that keeps its tables below `work`, listens on loopback only and downloads nothing."""
    threads = os.environ.get("LINKWORK_THREADS", "2")
    settings = {
        "spark.driver.memory": os.environ.get("LINKWORK_SPARK_MEMORY", "2g"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(work / "scratch"),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        # Text that is no number fails the build, as it does on DuckDB, and no sum wraps around.
        "spark.sql.ansi.enabled": "true",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # the default says no zone
        # A small region: one partition, and plans that are interpreted, because compiling them takes longer than they.
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("linkwork")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def register(spark: SparkSession, sources: Path) -> None:
    """Each source as a table of its schema: `log.events` and so on."""
    for file in sorted(sources.glob("*/*.parquet")):
        schema, table = file.parent.name, file.stem
        spark.sql(f"create schema if not exists {schema}")
        spark.sql(f"create table {schema}.{table} using parquet location '{file}'")


def main(sources: Path, work: Path, arguments: list[str]) -> int:
    spark = session(work)
    register(spark, sources)
    command = ["build", "--target", "spark", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target-path", str(work / "target"), "--log-path", str(work), "--no-use-colors"]
    done = dbtRunner().invoke([*command, *arguments])
    for table in spark.catalog.listTables("main"):
        spark.table(f"main.{table.name}").coalesce(1).write.mode("overwrite").parquet(str(work / "marts" / table.name))
    spark.stop()
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute(), sys.argv[3:]))
