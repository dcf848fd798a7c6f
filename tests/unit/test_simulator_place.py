"""Where a region is written: however the folder is named, the whole region or nothing of it."""

import datetime as dt
from pathlib import Path

import pytest

import simulator
from simulator import place

DAYS = (dt.date(2025, 1, 1), dt.date(2025, 9, 30))


def write(out: Path) -> None:
    simulator.simulate(300, 7, out, days=DAYS, mess="0")


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("usual") / "region"
    write(out)
    return everything(out)


@pytest.mark.parametrize(
    ("named", "lands"),
    [
        (".", "."),
        ("", "."),
        ("./", "."),
        ("there/", "there"),
        ("there/../there", "there"),
        ("new", "new"),
        ("new/", "new"),
        ("new/and/deep", "new/and/deep"),
        ("link", "there"),
        ("link/", "there"),
        ("link/new", "there/new"),
        ("leads-nowhere", "elsewhere"),
    ],
)
def test_the_folder_may_be_named_in_any_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: dict[str, bytes], named: str, lands: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    if lands != ".":
        (here / "there").mkdir()
        (here / "link").symlink_to("there")
        (here / "leads-nowhere").symlink_to(here / "elsewhere")
    monkeypatch.chdir(here)
    before = (here / lands).stat().st_ino if (here / lands).exists() else None
    write(Path(named))
    assert everything(here / lands) == usual
    assert {path.name for path in (here / lands).iterdir()} == {"landing", "reference", "truth"}
    assert not list(tmp_path.rglob(".*"))
    if before is not None:
        assert (here / lands).stat().st_ino == before, "who stands in the folder still does"


def test_what_fails_leaves_a_folder_as_it_was(tmp_path: Path) -> None:
    for out in (tmp_path / "there", tmp_path / "new"):
        (tmp_path / "there").mkdir(exist_ok=True)
        with pytest.raises(RuntimeError), place.appearing(out) as partial:
            (partial / "half").touch()
            raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path: Path, is_there: bool) -> None:
    out = tmp_path / "out"
    if is_there:
        out.mkdir()
    left = place.hidden(out)
    left.mkdir()
    (left / "half").touch()
    assert not place.taken(out)
    with place.appearing(out) as partial:
        (partial / "landing").mkdir()
    assert [path.name for path in out.iterdir()] == ["landing"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert place.taken(out)
