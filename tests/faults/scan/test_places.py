"""F101: names, links, the borders of chunks, and the interface of the scan."""

import struct
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linkwork.errors import UsageError
from linkwork.privacy.scan import Needles, scan
from linkwork.privacy.scan.needles import LONGEST_MATCH
from linkwork.privacy.scan.search import CHUNK
from tests.support.scan import (
    KEY,
    KEY_FORMS,
    NEEDLES,
    NUMBER,
    NUMBER_FORMS,
    ZONE1,
    found,
)


def test_names_and_targets_of_links_are_searched_and_masked(home):
    (home / "planted" / f"letter-{NUMBER}.txt").write_text("nothing")
    (home / "planted" / KEY.hex().upper()).mkdir()
    (home / "planted" / KEY.hex().upper() / "inner.txt").write_text("999 000 0042")
    (home / "planted" / "link").symlink_to(f"nowhere/{NUMBER}")
    result = scan(home, NEEDLES, ZONE1)
    assert {(hit.path, hit.inside) for hit in result.hits} == {
        ("planted/letter-….txt", "name"),
        ("planted/…", "name"),
        ("planted/…/inner.txt", "byte 0"),
        ("planted/link", "target of the link"),
    }
    assert NUMBER not in repr(result)
    assert KEY.hex() not in repr(result).lower()


def test_entry_and_column_names_are_searched_and_masked(home):
    with zipfile.ZipFile(home / "planted" / "a.zip", "w") as archive:
        archive.writestr(f"{NUMBER}.txt", f"{NUMBER} again")
    pq.write_table(pa.table({NUMBER: [NUMBER]}), home / "planted" / "a.parquet")
    assert found(home) == {"planted/a.zip", "planted/a.parquet"}


def test_no_link_is_followed(home, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text(NUMBER)
    (home / "planted" / "folder").symlink_to(tmp_path / "outside")
    (home / "planted" / "file").symlink_to(tmp_path / "outside" / "a.txt")
    (home / "planted" / "loop").symlink_to(home)
    assert found(home) == set()


@pytest.mark.parametrize("shift", [-40, -9, -1, 0, 1, -LONGEST_MATCH, LONGEST_MATCH])
def test_a_needle_on_the_border_of_two_chunks_is_found(home, shift):
    for number, form in enumerate(
        (NUMBER_FORMS["digits"], NUMBER_FORMS["JSON in JSON in JSON"], KEY, KEY_FORMS["UUID"])
    ):
        path = home / "planted" / f"{number}.bin"
        path.write_bytes(b"." * (CHUNK + shift) + form + b"." * 100)
    assert found(home) == {f"planted/{number}.bin" for number in range(4)}


def test_a_sparse_file_is_read_to_its_end(home):
    path = home / "planted" / "sparse"
    with path.open("wb") as handle:
        handle.seek(200 << 20)
        handle.write(struct.pack("<q", int(NUMBER))[:5])  # its three zero bytes lie in the next hole
        handle.truncate(201 << 20)
    result = scan(home, NEEDLES, ZONE1)
    assert [(hit.path, hit.inside) for hit in result.hits] == [("planted/sparse", f"byte {200 << 20}")]


def test_progress_counts_files_and_bytes(home):
    seen = []
    result = scan(home, NEEDLES, ZONE1, progress=lambda files, size: seen.append((files, size)))
    assert seen == sorted(seen)
    assert seen[-1] == (result.files, result.bytes)


@pytest.mark.parametrize("wrong", [{"numbers": ["999 000 0042"]}, {"subject_keys": [b"short"]}, {}])
def test_needles_of_another_form_are_refused_without_being_shown(wrong):
    with pytest.raises(UsageError) as raised:
        Needles.of(**wrong)
    assert "0042" not in str(raised.value)


def test_needles_and_results_do_not_show_what_is_searched_for():
    assert NUMBER not in repr(NEEDLES)
    assert KEY.hex() not in repr(NEEDLES)
    assert repr(KEY)[2:8] not in repr(NEEDLES)


def test_a_home_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(UsageError):
        scan(tmp_path / "nowhere", NEEDLES)
