"""Which release a build is compared with, and what a release leaves with the log."""

from pathlib import Path
from typing import Any

import pytest

from linkwork import engine
from linkwork.log import published
from linkwork.log.store import Store

STATE = {"position": 5, "removals": 0, "code_maps": None, "reference": "pcns=1", "code_version": "1"}


class Releases:
    """A log's releases, each from a small warehouse of one figure."""

    def __init__(self, folder: Path) -> None:
        self.log, self.folder, self.made = folder / "log", folder, 0

    def warehouse(self, figure: int, **state: Any) -> tuple[Path, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Pin a build of a state. Returns its warehouse, the earlier release and that one's figures."""
        self.made += 1
        file = self.folder / f"{self.made}.duckdb"
        with engine.connect(file) as con:
            con.execute("create schema log")
            con.execute("create table log.permissions (recorded_at timestamptz)")
            con.execute("create table log.pinned as select now() as known_at, date '2025-12-01' as cut_off")
            con.execute("create table rpt_referral_reasons as select '2026-2' as mapping_version")
            con.execute(
                f"""create table trace__figures as select 'rpt_uptake' as mart, 'referred' as item, 'people' as figure,
                date '2025-01-01' as period_start, 'icb' as area_level, 'QZZ' as area_code, {figure} as figure_value"""
            )
            published.earlier(Store(self.log), con, STATE | state, None)
            earlier = con.execute("from log.earlier_release").fetchall()
            figures = con.execute("select figure_value from log.earlier_figures").fetchall()
        return file, earlier, figures

    def release(self, name: str, figure: int, **state: Any) -> str | None:
        """Make a release current; which one it was compared with."""
        file, earlier, _ = self.warehouse(figure, **state)
        published.keep(self.log, name, file)
        return earlier[0][0] if earlier else None

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with engine.connect() as con:
            return con.execute(f"from {getattr(Store(self.log), table).refresh().relation()} order by all").fetchall()


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


def test_a_build_is_compared_with_the_release_of_the_state_before(releases: Releases) -> None:
    assert releases.release("A", 1) is None
    assert releases.release("B", 2, position=6) == "A"
    assert releases.release("C", 3, position=7) == "B"
    _, ((name, *_),), figures = releases.warehouse(3, position=6)
    assert (name, figures) == ("A", [(1,)]), "built again, B is compared with what it was compared with"
    _, ((name, *_),), figures = releases.warehouse(9, position=9)
    assert (name, figures) == ("C", [(3,)])


def test_an_erasure_and_other_reference_data_or_code_are_states_of_their_own(releases: Releases) -> None:
    assert releases.release("A", 1) is None
    assert releases.release("B", 1, removals=1) == "A"
    assert releases.release("C", 1, removals=1, reference="pcns=2") == "B"
    assert releases.release("D", 1, removals=1, reference="pcns=2", code_maps="1") == "C"
    assert releases.release("E", 1, removals=1, reference="pcns=2", code_maps="1", code_version="2") == "D"
    _, (earlier,), _ = releases.warehouse(1, removals=3, reference="pcns=2", code_maps="2", code_version="2")
    told = dict(zip(published.EARLIER_RELEASE, earlier, strict=True))
    assert told["release_id"] == "E"
    assert (told["removals_since"], told["mapping_version"]) == (2, "2026-2")
    assert (told["is_code_map_changed"], told["is_reference_changed"], told["is_code_changed"]) == (True, False, False)


def test_a_release_that_a_later_state_left_as_it_was_is_of_both(releases: Releases) -> None:
    assert releases.release("A", 1) is None
    for _ in range(2):
        assert releases.release("A", 1, reference="pcns=2") == "A"
    assert [(row[0], row[5]) for row in releases.rows("releases")] == [("A", "pcns=1"), ("A", "pcns=2")]
    _, (earlier,), figures = releases.warehouse(1, position=6, reference="pcns=2")
    told = dict(zip(published.EARLIER_RELEASE, earlier, strict=True))
    assert (told["release_id"], told["is_reference_changed"], figures) == ("A", False, [(1,)])
    assert len(releases.rows("figures")) == 1


def test_a_release_is_kept_once_and_completed_after_a_kill(releases: Releases) -> None:
    file, _, _ = releases.warehouse(4)
    with engine.connect(file, read_only=True) as con:  # as if the process had ended between the two tables
        Store(releases.log).figures.append(con, "select 'A' as release_id, * from trace__figures")
    assert releases.warehouse(4)[1] == [], "figures without their release are of none"
    for _ in range(2):
        published.keep(releases.log, "A", file)
    assert [row[0] for row in releases.rows("releases")] == ["A"]
    assert releases.warehouse(5, position=6)[2] == [(4,)], "figures that came twice are there once"
