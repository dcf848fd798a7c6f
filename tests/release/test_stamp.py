"""Files of two releases are told apart: by what each says of itself, whatever it is called and wherever it lies."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from linkwork.engine import connect
from linkwork.errors import BadDataError
from linkwork.files import sha256_of
from linkwork.release import stamp
from linkwork.release.manifest import MANIFEST, read_manifest
from linkwork.release.publish import Published
from linkwork.release.verify import verify_release
from linkwork.settings import PROJECT_ROOT

Row = Callable[..., dict[str, Any]]
TABLE = "rpt_example.parquet"
GUIDE = PROJECT_ROOT / "docs" / "guides" / "dashboard.md"


@pytest.fixture
def two(region: Any, example_row: Row) -> tuple[Published, Published]:
    """Two releases that differ in their figures, the second of which is current."""
    region.example([example_row(people=500)])
    first = region.publish(position=99)
    region.example([example_row(people=900)])
    return first, region.publish(position=100)


def mixed(home: Path, two: tuple[Published, Published]) -> Path:
    """A copy of the current release with the older release's table in it, as a cache may serve it."""
    first, second = two
    served = home / "releases" / second.release_id
    shutil.copytree(second.path, served)
    (served / "open" / TABLE).unlink()
    shutil.copyfile(first.path / "open" / TABLE, served / "open" / TABLE)
    (home / "releases" / "current").symlink_to(second.release_id)
    return served


def guide_program(home: Path) -> "subprocess.CompletedProcess[str]":
    found = re.search(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return subprocess.run(
        [sys.executable, "-c", found[1]],
        env={**os.environ, "LINKWORK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_f112_the_guides_program_tells_a_table_of_another_release_by_its_id(
    two: tuple[Published, Published], tmp_path: Path
) -> None:
    first, second = two
    whole = guide_program(second.path.parents[1])
    assert (whole.returncode, whole.stdout) == (0, f"{second.release_id} rpt_example 1\n")
    mixed(tmp_path / "cached", two)
    told = guide_program(tmp_path / "cached")
    assert told.returncode == 1
    assert told.stderr == f"{TABLE} is of release {first.release_id}, the manifest of {second.release_id}\n"


def test_f112_the_guides_program_reads_a_release_whose_files_say_no_id_and_checks_them_by_their_hashes(
    two: tuple[Published, Published],
) -> None:
    """Releases of version 0.1.0 are such."""
    _, second = two
    file, manifest = second.path / "open" / TABLE, second.path / "open" / MANIFEST
    told, before = pq.read_table(file).replace_schema_metadata(None), sha256_of(file)
    pq.write_table(told, file)
    other = guide_program(second.path.parents[1])
    assert (other.returncode, other.stderr) == (1, f"{TABLE} is not the file that was published\n")
    manifest.write_text(manifest.read_text().replace(before, sha256_of(file)))
    whole = guide_program(second.path.parents[1])
    assert (whole.returncode, whole.stdout) == (0, f"{second.release_id} rpt_example 1\n")


def test_f112_every_file_of_a_release_has_its_id_for_any_reader(two: tuple[Published, Published]) -> None:
    for release in two:
        files = sorted(release.path.glob("*/*.parquet"))
        assert len(files) == 2  # of both tiers
        assert {pq.read_metadata(file).metadata[stamp.KEY.encode()].decode() for file in files} == {release.release_id}
    with connect() as con:
        paths = [str(release.path / "open" / TABLE) for release in two]
        rows = con.execute("select value::varchar from parquet_kv_metadata(?) order by 1", [paths]).fetchall()
    assert rows == sorted((release.release_id,) for release in two)


def test_f112_a_mix_is_told_even_where_the_manifest_was_made_to_fit(
    two: tuple[Published, Published], tmp_path: Path
) -> None:
    first, _ = two
    served = mixed(tmp_path, two)
    with pytest.raises(BadDataError, match=f"{TABLE} was changed"):
        verify_release(served)
    (table,) = (t for t in read_manifest(served).tables if t.tier == "open")
    manifest = served / MANIFEST
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text().replace(table.sha256, sha256_of(served / "open" / TABLE)))
    with pytest.raises(BadDataError, match=f"{TABLE} is of release {first.release_id}"):
        verify_release(served)


def test_the_id_follows_from_what_the_files_hold_but_for_the_id(two: tuple[Published, Published]) -> None:
    for table in read_manifest(two[0].path).tables:
        said = stamp.read(two[0].path / table.path)
        assert said == (two[0].release_id, table.sha256, table.blank_sha256)
        assert said.sha256 == sha256_of(two[0].path / table.path) != said.blank_sha256


def test_a_file_without_the_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    with connect() as con:
        con.execute(f"copy (select 1 as n) to '{path}' (format parquet)")
    for act in (lambda: stamp.read(path), lambda: stamp.stamp(path, "1-0badcafe")):
        with pytest.raises(BadDataError, match="does not say which release"):
            act()
    path.write_bytes(b"PAR1")
    with pytest.raises(BadDataError, match="does not say which release"):
        stamp.read(path)


def test_a_release_of_before_files_had_ids_keeps_its_own_id(two: tuple[Published, Published]) -> None:
    """Its manifest has no hash of a blank file, and its id follows from the hashes of the files as they are."""
    manifest = read_manifest(two[0].path)
    before = manifest.model_copy(
        update={
            "tables": [t.model_copy(update={"sha256": t.blank_sha256, "blank_sha256": None}) for t in manifest.tables]
        }
    )
    assert before.content_hash() == manifest.content_sha256
