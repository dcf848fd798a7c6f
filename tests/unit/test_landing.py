"""The landing folder: which entries are files, and what is said of those that are not."""

import os
import socket
import time
from datetime import UTC, datetime

import pytest

from ingestion.landing import held, landed_files, ready_files, shown
from linkwork.settings import Settings


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "feed_csv" / "S1"
    folder.mkdir(parents=True)
    return folder


def test_files_are_taken_in_the_order_of_names(tmp_path, place):
    other = tmp_path / "feed_csv" / "S0"
    other.mkdir()
    for path in (place / "b.csv", place / "a.csv", other / "z.csv"):
        path.write_text("x")
    os.utime(place / "a.csv", (1_750_000_000.9, 1_750_000_000.9))
    found = landed_files(tmp_path)
    assert [(f.feed, f.sender, f.path.name, f.problem) for f in found] == [
        ("feed_csv", "S0", "z.csv", None),
        ("feed_csv", "S1", "a.csv", None),
        ("feed_csv", "S1", "b.csv", None),
    ]
    assert found[1].received_at == datetime.fromtimestamp(1_750_000_000, UTC)
    assert [f.sender for f in landed_files(tmp_path, "S0")] == ["S0"]


@pytest.mark.parametrize("name", ["upload.csv.part", "upload.tmp", ".hidden", ".nfs0001"])
def test_what_is_still_being_written_is_left_alone(tmp_path, place, name):
    (place / name).write_text("half")
    assert landed_files(tmp_path) == []


def test_entries_at_another_depth_are_left_alone(tmp_path, place):
    (tmp_path / "README").write_text("x")
    (tmp_path / "feed_csv" / "loose.csv").write_text("x")
    (place / "deep").mkdir()
    (place / "deep" / "file.csv").write_text("x")
    assert [f.path.name for f in landed_files(tmp_path)] == ["deep"]


def test_a_missing_folder_holds_nothing(tmp_path):
    assert landed_files(tmp_path / "nowhere") == []


def test_links_pipes_and_folders_are_listed_with_their_problem(tmp_path, place):
    (tmp_path / "outside.csv").write_text("secret")
    (place / "link.csv").symlink_to(tmp_path / "outside.csv")
    (place / "broken.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(place / "pipe.csv")
    (place / "folder.csv").mkdir()
    found = {f.path.name: f.problem for f in landed_files(tmp_path)}
    assert set(found) == {"link.csv", "broken.csv", "pipe.csv", "folder.csv"}
    assert set(found.values()) == {"The entry is not a regular file."}


@pytest.mark.parametrize("linked", ["feed_csv", "feed_csv/S2"])
def test_a_file_behind_a_linked_folder_is_not_taken(tmp_path, linked):
    outside = tmp_path / "outside"
    (outside / "S2").mkdir(parents=True)
    (outside / "S2" / "a.csv").write_text("x")
    landing = tmp_path / "landing"
    link = landing / linked
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if linked == "feed_csv" else outside / "S2")
    assert [f.problem for f in landed_files(landing)] == ["The folder is a link; a file behind it is not taken."]


def test_a_name_that_is_no_text_is_listed_and_can_be_shown(tmp_path, place):
    path = place / os.fsdecode(b"\xff.csv")
    path.write_text("x")
    (found,) = landed_files(tmp_path)
    assert found.problem == "The name is not UTF-8."
    assert shown(path.name) == "\\xff.csv"
    assert shown("Zoë 🙂.csv") == "Zoë 🙂.csv"


def test_f54_a_file_waits_until_it_has_not_changed_for_so_long(tmp_path):
    settings = Settings(home=tmp_path, landing=None, landing_settle_seconds=60)
    folder = settings.landing_dir / "feed_csv" / "S1"
    folder.mkdir(parents=True)
    for name, age in (("new.csv", 0), ("old.csv", 61)):
        (folder / name).write_text("x")
        os.utime(folder / name, (time.time() - age,) * 2)
    assert [f.path.name for f in ready_files(settings)] == ["old.csv"]
    assert len(ready_files(Settings(home=tmp_path, landing=None))) == 2


def test_f54_a_file_waits_for_its_marker(tmp_path):
    settings = Settings(home=tmp_path, landing=None, landing_marker=".done")
    folder = settings.landing_dir / "feed_csv" / "S1"
    folder.mkdir(parents=True)
    for name in ("a.csv", "b.csv", "b.csv.done"):
        (folder / name).write_text("x")
    assert [f.path.name for f in ready_files(settings)] == ["b.csv"]


def test_f52_only_a_regular_file_is_opened_and_nothing_waits(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name in ("link", "pipe", "folder", "socket", "absent"):
            with pytest.raises(FileNotFoundError), held(tmp_path / name):
                pass
    with pytest.raises(FileNotFoundError), held(tmp_path / "/dev/null"):
        pass


def test_f53_a_file_that_is_held_is_the_one_that_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("first")
    with held(path) as there:
        path.unlink()
        path.write_text("second")
        assert there.read_text() == "first"
