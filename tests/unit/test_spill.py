"""What memory cannot hold: a folder of its own for each process, gone at the end, whoever was killed."""

import os

from linkwork import engine, spill
from linkwork.settings import Settings


def test_a_query_larger_than_memory_goes_through_a_folder_that_is_gone_afterwards(tmp_path):
    settings = Settings(home=tmp_path)
    with spill.own_folder(settings) as folder:
        con = engine.connect(memory_limit="50MB", spill=folder)
        con.execute("create temp table t as select md5(i::varchar) as a from range(3_000_000) as r (i)")
        assert list(folder.glob("duckdb_temp*"))
        con.close()
    assert not list(settings.spill_dir.iterdir())


def test_what_killed_processes_left_is_removed_and_what_others_need_is_not(tmp_path):
    settings = Settings(home=tmp_path)
    theirs = settings.spill_dir / f"{spill.OWN}{os.getpid()}-00"  # its process ended, and the number is in use again
    theirs.mkdir(parents=True)
    (settings.spill_dir / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("of a commit that was killed")
    with spill.own_folder(settings) as living:
        spill.sweep(settings)
        assert [path.name for path in settings.spill_dir.iterdir()] == [living.name]
