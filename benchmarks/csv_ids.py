"""The floor below a log whose ids are HMACs made by DuckDB: reading, writing, and the ids, and nothing else."""

from pathlib import Path

from benchmarks.big_log import settings_of
from benchmarks.csv_peers import TIMES
from linkwork import engine
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import create_keys, load_keys

HAPPENED = "status not in ('Booked', 'Unknown')"  # such a record has a second fact


def ids(source: Path, scratch: Path) -> int:
    """Read the file typed and write it with the ids and hashes that its records and their facts have in the log.

    A record has its key, its hash and its stream; each of its facts an identity, a hash of its content and the id of
    its event. Returns the number of records.
    """
    target = scratch / "ids.parquet"
    settings = settings_of(scratch)
    create_keys(settings)
    with source.open() as handle:
        header = handle.readline().rstrip("\n").split(",")
    types = {column: "timestamp" if column in TIMES else "varchar" for column in header}
    content = hmac_sql.joined([f"{engine.name(column)}::varchar" for column in header])
    key = hmac_sql.joined(["'record'", "appointment_id"])
    of_record = [f"id_hmac({key}) as record_key, id_hmac({content}) as row_hash, id_hmac('stream' || {key}) as stream"]
    of_facts = [
        f"case when {there} then id_hmac({message}) end as {slot}_{number}"
        for slot, there in (("booked", "true"), ("outcome", HAPPENED))
        for number, message in enumerate(("record_key || stream", content, "record_key || row_hash"))
    ]
    with engine.connect() as con:
        hmac_sql.install(con, load_keys(settings))
        con.execute(
            f"""copy (
                select *, {", ".join(of_facts)} from (
                    select *, {", ".join(of_record)} from read_csv({engine.text(source)}, auto_detect = false,
                        header = true, delim = ',', quote = '"', columns = {types})
                )
            ) to {engine.text(target)} ({engine.PARQUET}, compression zstd)"""
        )
        return int(engine.row(con, f"select count(*) from read_parquet({engine.text(target)})")[0])
