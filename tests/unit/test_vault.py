"""Zone 1 at rest: what was sealed opens to the same bytes, and nothing else opens at all."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkwork.errors import BadDataError
from linkwork.privacy import vault

KEY, OTHER = b"k" * 32, b"o" * 32
PLAIN = bytes(range(256)) * 4


@pytest.fixture
def small_frames(monkeypatch):
    monkeypatch.setattr(vault, "FRAME", 100)


def sealed(tmp_path, content=PLAIN):
    source, target = tmp_path / "plain", tmp_path / "vault" / "sealed"
    source.write_bytes(content)
    vault.seal(source, target, KEY)
    return target


def frames(data: bytes) -> list[bytes]:
    found, position = [], len(vault.MAGIC)
    while position < len(data):
        (length,) = struct.unpack(">I", data[position + 12 : position + 16])
        found.append(data[position : position + 16 + length])
        position += 16 + length
    return found


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 200, 1024])
def test_sealed_content_opens_again(tmp_path, small_frames, size):
    target = sealed(tmp_path, PLAIN[:size])
    assert vault.unseal(target, KEY) == PLAIN[:size]
    assert len(frames(target.read_bytes())) == max(1, -(-size // 100))


@given(st.binary(max_size=300))
def test_any_bytes_open_again(tmp_path_factory, content):
    target = tmp_path_factory.mktemp("v") / "sealed"
    vault.seal_bytes(content, target, KEY)
    assert vault.unseal(target, KEY) == content


def test_nothing_of_the_content_is_readable_and_the_same_content_differs(tmp_path):
    target = sealed(tmp_path, b"Jane Example " * 50)
    assert b"Jane" not in target.read_bytes()
    other = tmp_path / "other"
    vault.seal(tmp_path / "plain", other, KEY)
    assert other.read_bytes() != target.read_bytes()


def test_zone_1_is_private(tmp_path):
    target = sealed(tmp_path)
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_there_is_kept_and_no_part_is_left(tmp_path):
    target = sealed(tmp_path)
    before = target.read_bytes()
    vault.seal(tmp_path / "plain", target, KEY)
    assert target.read_bytes() == before
    assert [p.name for p in target.parent.iterdir()] == ["sealed"]


def test_another_key_does_not_open_it(tmp_path):
    target = sealed(tmp_path)
    with pytest.raises(BadDataError, match="does not open") as raised:
        vault.unseal(target, OTHER)
    assert raised.value.where == str(target)


def test_every_flipped_byte_is_noticed(tmp_path, small_frames):
    target = sealed(tmp_path, PLAIN[:101])
    good = target.read_bytes()
    for place in range(len(good)):
        target.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(BadDataError):
            vault.unseal(target, KEY)


def test_every_cut_is_noticed(tmp_path, small_frames):
    target = sealed(tmp_path, PLAIN[:250])
    good = target.read_bytes()
    for size in (*range(40), *range(40, len(good), 9), len(good) - 1):
        target.write_bytes(good[:size])
        with pytest.raises(BadDataError):
            vault.unseal(target, KEY)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2, 1], [0, 0, 1, 2], [0, 2], [1, 2], [0, 1, 2, 2]])
def test_frames_in_another_order_do_not_open(tmp_path, small_frames, order):
    target = sealed(tmp_path, PLAIN[:250])
    parts = frames(target.read_bytes())
    assert len(parts) == 3
    target.write_bytes(vault.MAGIC + b"".join(parts[i] for i in order))
    with pytest.raises(BadDataError, match="does not open"):
        vault.unseal(target, KEY)


def test_a_plain_file_is_not_taken_for_a_sealed_one(tmp_path):
    path = tmp_path / "plain"
    path.write_bytes(b"id,name\n1,x\n")
    with pytest.raises(BadDataError, match="not a sealed file"):
        vault.unseal(path, KEY)
