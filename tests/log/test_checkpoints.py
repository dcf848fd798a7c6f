"""What Delta writes beside its commits is on disk before the commit counts as durable."""

from linkwork import engine
from linkwork.log import table
from linkwork.log.table import LogTable


def test_a_checkpoint_is_on_disk_like_the_commit_it_stands_for(tmp_path, monkeypatch):
    durable = []
    real = table.fsync
    monkeypatch.setattr(table, "fsync", lambda path: (real(path), durable.append(path.name)))
    kept = LogTable(tmp_path / "notes", {"line": "bigint"})
    with engine.connect() as con:
        while not list((kept.path / "_delta_log").glob("*.checkpoint.parquet")):
            kept.refresh().append(con, "select 1::bigint as line")
    (checkpoint,) = (kept.path / "_delta_log").glob("*.checkpoint.parquet")
    assert durable[-3:] == [checkpoint.name, "_last_checkpoint", "_delta_log"]
