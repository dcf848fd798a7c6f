"""Files are written whole or not at all."""

import errno
import hashlib
import json
import os

import pytest

from linkwork.errors import UsageError
from linkwork.files import private_dir, sha256_of, sweep_partials, write_json, write_new, write_whole


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_the_hash_is_that_of_the_bytes(tmp_path, size):
    path = tmp_path / "f"
    path.write_bytes(b"x" * size)
    assert sha256_of(path) == hashlib.sha256(b"x" * size).hexdigest()


def test_a_write_makes_its_folder_replaces_and_leaves_no_part(tmp_path):
    path = tmp_path / "a" / "b" / "f"
    write_whole(path, b"one")
    write_whole(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["f"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch, step):
    path = tmp_path / "f"
    write_whole(path, b"old")

    def fail(*_args):
        raise OSError(28, "No space left on device")

    target = (os, "fsync") if step == "fsync" else (type(path), "rename")
    monkeypatch.setattr(*target, fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_new_file_replaces_none_and_makes_no_folder(tmp_path):
    write_new(tmp_path / "f", b"one", mode=0o600)
    assert ((tmp_path / "f").read_bytes(), (tmp_path / "f").stat().st_mode & 0o777) == (b"one", 0o600)
    with pytest.raises(UsageError, match="the file is there already"):
        write_new(tmp_path / "f", b"two")
    with pytest.raises(UsageError, match="no such folder"):
        write_new(tmp_path / "g" / "f", b"two")
    with pytest.raises(UsageError, match="the file cannot be written"):
        write_new(tmp_path / ("f" * 256), b"two")  # longer than a name may be
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="the file is there already"):
        write_new(tmp_path / "link", b"two")
    assert [p.name for p in tmp_path.iterdir() if not p.is_symlink()] == ["f"]


def test_a_new_file_has_no_name_before_it_is_whole(tmp_path):
    def look(unnamed):
        assert list(tmp_path.iterdir()) == []
        assert unnamed.read_bytes() == b"one"

    write_new(tmp_path / "f", b"one", before=look)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_what_came_to_be_there_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(UsageError, match="the file is there already"):
        write_new(tmp_path / "f", b"one", before=lambda _: (tmp_path / "f").write_bytes(b"other"))
    assert (tmp_path / "f").read_bytes() == b"other"


def test_where_every_file_needs_a_name_what_was_cut_off_goes_with_the_next_of_that_name(tmp_path, monkeypatch):
    opened = os.open

    def no_unnamed(path, flags, *arguments, **named):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return opened(path, flags, *arguments, **named)

    monkeypatch.setattr(os, "open", no_unnamed)
    for name in ("[f].csv", "f.csv", "others"):
        (tmp_path / f".{name}.0123abcd.tmp").write_bytes(b"a part")
    write_new(tmp_path / "[f].csv", b"one", mode=0o600)
    assert ((tmp_path / "[f].csv").read_bytes(), (tmp_path / "[f].csv").stat().st_mode & 0o777) == (b"one", 0o600)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".f.csv.0123abcd.tmp", ".others.0123abcd.tmp", "[f].csv"]


def test_what_is_being_written_is_not_swept_and_what_was_cut_off_is(tmp_path):
    (tmp_path / ".left.1.tmp").write_bytes(b"of a process that has ended, whose number another has by now")
    write_whole(tmp_path / "f", b"one", before=lambda _: sweep_partials(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_equal_content_gives_equal_bytes(tmp_path):
    write_json(tmp_path / "1", {"b": 1, "a": [2]})
    write_json(tmp_path / "2", {"a": [2], "b": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert json.loads((tmp_path / "1").read_text()) == {"a": [2], "b": 1}


def test_a_private_folder_is_closed_to_others_even_where_it_was_open(tmp_path):
    folder = tmp_path / "restricted" / "raw"
    folder.mkdir(parents=True, mode=0o755)
    assert private_dir(folder).stat().st_mode & 0o777 == 0o700
