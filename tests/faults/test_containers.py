"""Packed files: what is opened, what is refused and why, and that nothing is left or written elsewhere."""

import gzip
import io
import stat
import struct
import zipfile
import zlib

import pytest

from ingestion import containers
from ingestion.containers import Limits, check_zip, kind_of, unpacked
from ingestion.readers.base import FileRefused

TEXT = b"id,note\n" + b"".join(b"r%d,note %d\n" % (n, n * 7919) for n in range(20_000))
USUAL = Limits()
SMALL = Limits(unpacked=1 << 20, ratio=50, entries=10)


def zipped(*entries, comment=b"", method=zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
        archive.comment = comment
    return out.getvalue()


@pytest.fixture
def opened(tmp_path):
    """Unpack bytes below an empty folder of their own; the sentence of a refusal, or the content."""

    def opened(packed: bytes, limits: Limits = USUAL):
        source = tmp_path / "packed"
        source.write_bytes(packed)
        spill = tmp_path / "spill"
        try:
            with unpacked(source, spill, limits) as plain:
                assert plain.parent == spill
                assert stat.S_IMODE(plain.stat().st_mode) == 0o600
                content = plain.read_bytes()
        except FileRefused as refused:
            content = str(refused)
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == [source], "something was left or written elsewhere"
        return content

    return opened


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(TEXT),
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),  # members, as `cat a.gz b.gz` makes them
        gzip.compress(TEXT) + bytes(512),
        zipped(("data.csv", TEXT)),
        zipped(("data.csv", TEXT), method=zipfile.ZIP_STORED, comment=b"from the practice"),
        zipped(("folder/", b""), ("folder/data.csv", TEXT), ("__MACOSX/._data.csv", b"x"), (".DS_Store", b"x")),
    ],
    ids=["gzip", "members", "padded", "zip", "stored", "folders and litter"],
)
def test_a_packed_file_is_its_content(opened, packed):
    assert kind_of(packed[:4]) in ("gzip", "zip")
    assert opened(packed) == TEXT


def test_an_empty_gzip_is_an_empty_file(opened):
    assert opened(gzip.compress(b"")) == b""


def bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


def test_f46_a_gzip_bomb_is_refused_at_its_ratio(opened):
    assert opened(bomb(64)) == "Unpacked, the file is more than 200 times its size, the limit."


def test_f46_a_file_too_large_is_refused_before_it_fills_the_disk(tmp_path):
    """The temporary space is bounded: no more is written than the limit allows."""
    source = tmp_path / "packed"
    source.write_bytes(bomb(64))
    target = io.BytesIO()
    with pytest.raises(FileRefused, match="larger than 2,097,152 bytes, the limit"):
        containers.unpack(source, target, Limits(unpacked=2 << 20))
    assert len(target.getvalue()) <= 2 << 20


def test_f46_a_zip_bomb_is_refused_by_what_it_says_of_itself(opened):
    assert "more than 200 times its size" in opened(zipped(("a.csv", bytes(64 << 20))))
    many = zipped(*((f"{n}.csv", bytes(1 << 20)) for n in range(9)))
    assert "larger than 1,048,576 bytes" in opened(many, SMALL)


def test_f46_a_zip_that_says_less_than_it_holds_is_refused(opened):
    packed = bytearray(zipped(("a.csv", TEXT)))
    at = packed.rfind(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<I", 100)
    assert opened(bytes(packed)).startswith("The zip is broken: ")


def test_f47_a_zip_with_a_million_entries_is_refused_before_its_list_is_read(opened):
    entry = b"PK\x01\x02" + bytes(42)
    count = 1_000_000
    packed = b"PK\x03\x04" + entry * count
    end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(entry) * count, 4)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(packed), 1)
    packed += end + locator + b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2)
    assert opened(packed) == "The zip has more than 1000 entries, the most that are allowed."


def test_f47_the_end_record_cannot_hide_entries(opened):
    packed = bytearray(zipped(*((f"{n}.csv", b"x") for n in range(20))))
    at = packed.rfind(b"PK\x05\x06")
    packed[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    assert opened(bytes(packed), SMALL) == "The zip has more than 10 entries, the most that are allowed."


@pytest.mark.parametrize("second", ["a.csv", "A.CSV"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_f47_a_name_twice_is_refused(opened, second):
    assert opened(zipped(("a.csv", b"1"), (second, b"2"))) == "The zip names an entry twice (entry 2)."


@pytest.mark.parametrize("count", [0, 2])
def test_f47_a_zip_holds_one_data_file(opened, count):
    files = zipped(("folder/", b""), *((f"{n}.csv", b"x") for n in range(count)))
    assert opened(files) == f"The zip holds {count} files, expected one."


HOSTILE = ["../x.csv", "../../etc/x", "/etc/x", "a/../../x", "..\\x", "C:\\x", "\\\\host\\x"]


@pytest.mark.parametrize("name", HOSTILE)
def test_f48_a_name_that_leads_out_is_refused_and_nothing_is_written(opened, name):
    assert opened(zipped((name, TEXT))) == "The zip has an entry named as a place outside it (entry 1)."


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_f48_a_link_or_device_is_refused(opened, kind):
    entry = zipfile.ZipInfo("data.csv")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    assert opened(zipped((entry, b"/etc/passwd"))) == "The zip has an entry that is a link or a device (entry 1)."


@pytest.mark.parametrize("cut", [1, 4, 8, 100, 20_000])
def test_f49_a_cut_gzip_is_refused_with_its_byte(opened, cut):
    packed = gzip.compress(TEXT)
    at = len(packed) - cut
    assert opened(packed[:-cut]) == f"The gzip is cut off: it ends at byte {at:,} before its own end."


def test_f49_a_wrong_checksum_is_refused_with_its_byte(opened):
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 1  # of the CRC, which ends before the length's four bytes
    found = opened(bytes(packed))
    assert found.startswith("The gzip is broken: CRC or length mismatch at byte ")
    assert len(packed) - 9 <= int(found.rstrip(".").rsplit(" ", 1)[1].replace(",", "")) < len(packed)


def test_f49_every_flipped_byte_of_a_gzip_is_noticed_or_harmless(opened):
    packed = gzip.compress(TEXT[:2000], mtime=0)
    for at in range(len(packed)):
        flipped = bytearray(packed)
        flipped[at] ^= 0xFF
        if kind_of(bytes(flipped)) != "gzip":
            continue
        found = opened(bytes(flipped))
        assert isinstance(found, str) or found == TEXT[:2000], at


def test_f49_what_follows_a_gzip_is_refused(opened):
    packed = gzip.compress(TEXT)
    assert opened(packed + b"more") == f"The gzip is followed by something else at byte {len(packed):,}."


def test_f49_a_broken_or_cut_zip_is_refused(opened):
    packed = zipped(("a.csv", TEXT))
    assert opened(packed[:-30]) == "The zip is cut off or broken: its end is missing."
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    assert opened(bytes(flipped)).startswith("The zip is broken: ")
    stored = bytearray(zipped(("a.csv", TEXT), method=zipfile.ZIP_STORED))
    stored[len(stored) // 2] ^= 0xFF
    assert "CRC mismatch after byte" in opened(bytes(stored))


def test_f50_a_zip_with_a_password_is_refused(opened):
    packed = bytearray(zipped(("a.csv", TEXT)))
    packed[6] |= 1
    packed[packed.rfind(b"PK\x01\x02") + 8] |= 1
    assert opened(bytes(packed)) == "The zip is locked with a password (entry 1)."


def test_a_workbook_is_known_by_what_it_holds(tmp_path, opened):
    workbook = zipped(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"))
    (tmp_path / "book").write_bytes(workbook)
    assert containers.is_workbook(tmp_path / "book", Limits())
    assert check_zip(tmp_path / "book", Limits())[0].filename == "[Content_Types].xml"
    (tmp_path / "book").unlink()
    assert opened(workbook) == "The file is an Excel workbook, which this feed's contract does not describe."
