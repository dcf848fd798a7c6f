"""Pseudonyms and ids made in SQL are the HMAC-SHA-256 that Python makes, cut to 16 bytes."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork import engine
from linkwork.privacy import hmac_sql
from linkwork.privacy.keys import Keys

KEYS = Keys(pseudonym=bytes(range(32)), id=bytes(range(32, 64)), zone1=bytes(32))
words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)


@pytest.fixture(scope="module")
def con():
    with engine.connect() as con:
        hmac_sql.install(con, KEYS)
        yield con


def expected(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()[:16]


@given(words)
def test_both_macros_agree_with_python(con, message):
    found = con.execute("select subject_hmac(encode(?)), id_hmac(encode(?))", [message, message]).fetchone()
    assert found == (expected(KEYS.pseudonym, message.encode()), expected(KEYS.id, message.encode()))


def test_a_published_vector_of_rfc_4231():
    key = b"Jefe"
    with engine.connect() as con:
        hmac_sql.install(con, Keys(pseudonym=key, id=key, zone1=key))
        (found,) = con.execute("select subject_hmac(encode('what do ya want for nothing?'))").fetchone()
    assert found.hex() == "5bdcc146bf60754e6a042426089575c7"


@given(st.lists(st.none() | st.text("ab", max_size=3), min_size=1, max_size=4), st.data())
def test_different_parts_never_give_the_same_id(con, parts, data):
    other = data.draw(st.lists(st.none() | st.text("ab", max_size=3), min_size=1, max_size=4))
    one, two = con.execute(
        "select id_hmac(parts_blob(?::varchar[])), id_hmac(parts_blob(?::varchar[]))", [parts, other]
    ).fetchone()
    assert (one == two) == (parts == other)


@pytest.mark.parametrize(
    ("one", "two"), [([None, "a"], ["", "a"]), (["a", "bc"], ["ab", "c"]), (["a", ""], ["a"]), (["", None], [None, ""])]
)
def test_missing_empty_and_shifted_parts_differ(con, one, two):
    found = con.execute(
        "select id_hmac(parts_blob(?::varchar[])) = id_hmac(parts_blob(?::varchar[]))", [one, two]
    ).fetchone()
    assert found == (False,)


def test_null_has_no_pseudonym(con):
    assert con.execute("select subject_hmac(encode(null::varchar))").fetchone() == (None,)


def test_no_key_is_part_of_any_sql_text(con):
    texts = [
        row[0]
        for row in con.execute(
            "select macro_definition from duckdb_functions() where macro_definition is not null"
        ).fetchall()
    ]
    plan = con.execute("explain select subject_hmac(encode('x'))").fetchall()
    shown = "\n".join(texts) + str(plan)
    assert "subject_inner" in shown  # what was searched is the definition
    for key in (KEYS.pseudonym, KEYS.id):
        for pad in (0x00, 0x36, 0x5C):
            padded = bytes(b ^ pad for b in key)
            assert padded.hex().lower() not in shown.lower()
            assert repr(padded)[2:-1] not in shown
