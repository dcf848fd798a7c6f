"""F101: the scan behind `erase --verify` finds one person wherever a file of the home may hold it.

A number or a pseudonym is planted in a copy of a real home, in one encoding and one kind of container at a time, and
exactly that file must be named. The encoders here are written out by hand, apart from the scanner's own tables.
"""

import base64
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.privacy.scan import Needles, scan
from tests.support.scan import (
    CONTAINERS,
    FORMS,
    KEY,
    NEEDLES,
    NUMBER,
    OTHERS,
    ZONE1,
    found,
    noise,
    write_parquet,
    write_plain,
)


def test_a_home_without_the_person_is_proven_clean_and_left_as_it_was(home):
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in home.rglob("*")}
    result = scan(home, NEEDLES, ZONE1)
    assert result.clean, (result.hits, result.unreadable)
    files = [p for p in home.rglob("*") if p.is_file()]
    assert (result.files, result.bytes) == (len(files), sum(p.stat().st_size for p in files))
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in home.rglob("*")} == before


def test_a_person_of_a_real_home_is_found_in_the_sealed_file_and_in_the_log(home):
    with engine.connect() as con:
        segment = next(home.glob("log/events/*/*.parquet"))
        ((key,),) = con.execute(f"select distinct subject_key from read_parquet({engine.text(segment)})").fetchall()
    hits = scan(home, Needles.of([OTHERS], [key]), ZONE1).hits
    kinds = {(hit.kind, Path(hit.path).parts[0], "sealed content" in hit.inside) for hit in hits}
    assert kinds == {("NHS number", "restricted", True), ("pseudonym", "log", False)}
    columns = {hit.inside for hit in hits if hit.path == str(segment.relative_to(home))}
    assert "column subject_key" in columns


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_a_plain_file_and_in_a_compressed_column(home, form):
    write_plain(home / "planted" / "plain.bin", FORMS[form])
    write_parquet(home / "planted" / "rows.parquet", FORMS[form])
    result = scan(home, NEEDLES, ZONE1)
    assert {hit.path for hit in result.hits} == {"planted/plain.bin", "planted/rows.parquet"}
    assert {hit.kind for hit in result.hits} == {"NHS number" if form.startswith("number") else "pseudonym"}
    assert any(hit.inside == "column nested.of" for hit in result.hits)


@pytest.mark.parametrize("content", [NUMBER.encode(), KEY], ids=["number", "key"])
@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_opened_and_exactly_that_file_named(home, name, content):
    CONTAINERS[name](home / "planted" / name, content)
    assert found(home) == {f"planted/{name}"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_without_the_person_gives_no_hit(home, name):
    CONTAINERS[name](home / "planted" / name, OTHERS.encode())
    assert found(home) == set()


@given(
    number=st.from_regex(r"999[0-9]{7}", fullmatch=True),
    key=st.binary(min_size=16, max_size=16),
    name=st.sampled_from(sorted(CONTAINERS)),
    of_key=st.booleans(),
    before=st.integers(0, 40),
    after=st.integers(0, 40),
    seed=st.integers(0, 1 << 30),
)
def test_a_random_needle_at_a_random_place_of_a_random_container_is_found(
    tmp_path_factory, number, key, name, of_key, before, after, seed
):
    home = tmp_path_factory.mktemp("random")
    pick = random.Random(seed)  # noqa: S311
    plain = key if of_key else number.encode()
    form = pick.choice([plain, plain.hex().encode(), base64.b64encode(noise(seed, before % 3) + plain)])
    content = noise(seed, before) + form + noise(seed + 1, after)
    CONTAINERS[name](home / name, content)
    result = scan(home, Needles.of([number], [key]), ZONE1)
    kinds = {hit.kind for hit in result.hits}
    assert ("pseudonym" if of_key else "NHS number") in kinds, (name, result.unreadable)
    assert {hit.path for hit in result.hits} == {name}
