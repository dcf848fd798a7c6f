"""Files that come packed or as Parquet, on their whole way: in, quarantined, traced, retracted, erased."""

import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion import erase, refused, retract, traced
from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.privacy.keys import load_keys
from linkwork.privacy.scan import Needles, scan
from tests.support.faults import HEADER, NUMBER, OTHER, fates, good, lines, put, taken
from tests.support.log import at, day, ingest, rows

BAD = "b,x,x,x,x"
CONTENT = lines(good("a"), BAD, good("c", nhs=OTHER), '"d",' + f'{OTHER},"2025-01-05",,{at(1)}')


def zipped(content: str | bytes, name: str = "data.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def parquet(content: str) -> bytes:
    """The table of a small CSV text, every column as text, an empty field as null."""
    header, *records = [line.replace('"', "").split(",") for line in content.splitlines()]
    table = pa.table({name: [r[n] or None for r in records] for n, name in enumerate(header)})
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=3)
    return out.getvalue()


FORMS = {
    "f.csv": (CONTENT.encode(), 3, BAD + "\n"),
    "f.csv.gz": (gzip.compress(CONTENT.encode()), 3, BAD + "\n"),
    "f.zip": (zipped(CONTENT), 3, BAD + "\n"),
    "f.parquet": (
        parquet(CONTENT),
        2,
        '{"id": "b", "nhs_number": "x", "received": "x", "closed": "x", "at": "x"}\n',
    ),
    "f.parquet.gz": (
        gzip.compress(parquet(CONTENT)),
        2,
        '{"id": "b", "nhs_number": "x", "received": "x", "closed": "x", "at": "x"}\n',
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_same_facts_and_its_text_again(home, name):
    sent, line, text = FORMS[name]
    put(home, name, sent)
    ingest(home)
    fate = fates(home)[name]
    assert (fate.status, fate.records, fate.accepted, fate.quarantined) == ("committed", 4, 3, 1), fate.detail
    assert fate.ids == ["a", "c", "d"]
    assert [first for first, _ in fate.refused] == [line]
    (kept,) = home.quarantine_raw_dir.iterdir()
    assert refused.read(kept, load_keys(home).zone1) == [{"line": line, "raw": text}]
    assert not list((home.home / "restricted" / "spill").iterdir())
    assert not list(home.landing_dir.rglob("*.*"))
    assert_traced(home, name, line, text)


def assert_traced(home, name, bad, text):
    """A trace finds the records as they were sent."""
    columns = ("load_id", "feed", "file_sha256")
    (load,) = rows(home, "loads", "load_id, feed, file_sha256")
    asked = [dict(zip(columns, load, strict=True), source_line=line) for line in (bad - 1, bad)]
    found = traced.raw_lines(home, asked)
    assert found["files"][0]["missing"] == 0
    raw = {record["source_line"]: record["raw"] for record in found["records"]}
    assert raw[bad] == text
    sent = good("a").split(",")
    as_row = json.dumps({k: v or None for k, v in zip(HEADER.split(","), sent, strict=True)}) + "\n"
    assert raw[bad - 1] == (as_row if "parquet" in name else good("a") + "\n")
    assert found["files"][0]["header"] == (None if "parquet" in name else HEADER + "\n")


@pytest.mark.parametrize("name", ["f.csv.gz", "f.parquet"])
def test_a_retraction_reads_the_file_again(home, name):
    put(home, name, FORMS[name][0])
    ingest(home)
    put(home, "later.csv", lines(good("a", when=2, received=day(9))))
    ingest(home)
    (load,) = rows(home, "loads", "load_id", "where file_name <> 'later.csv'")
    done = retract.retract(home, load[0], "wrong file")
    assert (done["withdrawn"], done["not_gated_again"]) == (4, [])
    assert verify(Store(home.log_dir)).problems == []


def test_a_conflict_keeps_its_text(home):
    taken(home, lines(good("a")), "first.csv")
    put(home, "f.csv.gz", gzip.compress(lines(good("a", received=day(3))).encode()))
    ingest(home)
    assert fates(home)["f.csv.gz"].conflict == 1
    (kept,) = home.quarantine_raw_dir.iterdir()
    (record,) = refused.read(kept, load_keys(home).zone1)
    assert record == {"line": 2, "raw": good("a", received=day(3)) + "\n"}


@pytest.mark.parametrize("name", ["f.csv", "f.csv.gz", "f.parquet"])
def test_f101_an_erasure_drops_a_packed_copy_that_holds_the_person_and_no_other(home, name):
    put(home, name, FORMS[name][0])
    ingest(home)
    put(home, "other.csv.gz", gzip.compress(lines(good("z", nhs=OTHER)).encode()))
    ingest(home)
    sent = dict(rows(home, "loads", "file_name, file_sha256"))
    erase.erase_person(home, [NUMBER], [], "asked for")
    found = scan(home.home, Needles.of([NUMBER]), load_keys(home).zone1)
    assert found.clean, found.hits
    kept = {path.name for path in home.raw_dir.iterdir()}
    # Of a text the line is blanked; of anything else nothing can be cut out.
    assert kept == ({*sent.values()} if name == "f.csv" else {sent["other.csv.gz"]})
    assert verify(Store(home.log_dir)).problems == []


def test_f102_a_packed_file_of_an_erased_person_that_comes_again_is_not_kept(home):
    taken(home, lines(good("a")), "first.csv")
    erase.erase_person(home, [NUMBER], [], "asked for")
    put(home, "again.csv.gz", gzip.compress(lines(good("a", when=2), good("b", nhs=OTHER)).encode()))
    put(home, "other.csv.gz", gzip.compress(lines(good("c", nhs=OTHER)).encode()))
    ingest(home)
    assert {n: (f.accepted, f.skipped) for n, f in fates(home).items() if "gz" in n} == {
        "again.csv.gz": (1, 1),
        "other.csv.gz": (1, 0),
    }
    assert scan(home.home, Needles.of([NUMBER]), load_keys(home).zone1).clean
    sent = dict(rows(home, "loads", "file_name, file_sha256"))
    kept = {path.name for path in home.raw_dir.iterdir()}
    assert sent["other.csv.gz"] in kept
    assert sent["again.csv.gz"] not in kept


REFUSED = {
    "f46_bomb.csv.gz": (gzip.compress(bytes(64 << 20), 9), "Unpacked, the file is more than 200 times its size"),
    "f47_nested.csv.gz": (gzip.compress(gzip.compress(CONTENT.encode())), "The gzip holds another packed file"),
    "f47_nested.zip": (zipped(zipped(CONTENT)), "The zip holds another packed file"),
    "f48_slip.zip": (zipped(CONTENT, "../../slip.csv"), "The zip has an entry named as a place outside it"),
    "f49_cut.csv.gz": (gzip.compress(CONTENT.encode())[:-3], "The gzip is cut off: it ends at byte "),
    "f55_cut.parquet": (parquet(CONTENT)[:-9], "The Parquet file is cut off"),
    "f117_page.csv": (
        b"\n<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n",
        "is an HTML page, expected CSV",
    ),
    "f117_letter.csv": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF document, expected CSV"),
    "f117_error.csv.gz": (gzip.compress(b"<html><title>Error</title></html>"), "is an HTML page, expected CSV"),
    "f117_feed.csv": (b'<?xml version="1.0"?><a/>', "is an XML document, expected CSV"),
    "f50_locked.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "of the old form or with a password"),
    "named.csv": (gzip.compress(CONTENT.encode()), "is gzip, but its name does not end with .gz"),
    "named.csv.gz": (CONTENT.encode(), "is named as gzip and is none"),
}


def test_f46_f47_f48_f49_f50_f55_f117_what_is_refused_loads_nothing_and_leaves_nothing(home, tmp_path):
    for name, (content, _) in REFUSED.items():
        put(home, name, content)
    before = everywhere(tmp_path)
    assert ingest(home)["files"] == {"committed": 0, "noop": 0, "held": 0, "refused": len(REFUSED)}
    found = fates(home)
    for name, (_, sentence) in REFUSED.items():
        assert sentence in str(found[name].detail), name
        assert (found[name].records, found[name].events) == (0, 0)
    new = everywhere(tmp_path) - before
    assert all(path.startswith(("data/log/", "data/quality/", "data/staging/.spill")) for path in new), new


def everywhere(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_contract_may_take_no_other_form(home):
    path = home.contracts_dir / "test_state.yaml"
    path.write_text(path.read_text().replace("file: {format: csv,", "file: {format: csv, alternatives: [],"))
    assert taken(home, parquet(CONTENT), "f.parquet").detail == "The file is a Parquet file, expected CSV."
    assert taken(home, CONTENT).accepted == 3
