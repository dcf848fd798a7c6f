"""Which release the open tier of a build is compared with, and that what it was made of is kept with the log."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkwork import engine
from linkwork.log import published, served
from linkwork.log.store import Store
from tests.log.test_published import Releases


class Kept(Releases):
    """A log's releases, each with what its open tier was made of: one row that is its name."""

    def keep(self, name: str, content: str) -> None:
        file = self.folder / "made-of.parquet"
        with engine.connect() as con:
            con.execute(f"copy (select 'rpt_uptake' as mart, '{content}' as content) to '{file}' (format parquet)")
        served.keep(self.log, name, file)

    def serve(self, name: str, **state: object) -> Path:
        warehouse, _, _ = self.warehouse(1, **state)
        self.keep(name, name)
        published.keep(self.log, name, warehouse)
        return warehouse

    def found(self, warehouse: Path, current: str | None, known_at: datetime | None = None) -> str | None:
        with engine.connect(warehouse, read_only=True) as con:
            one = served.find(self.log, con, current, known_at)
            if one is None:
                return None
            assert con.execute(f"from {one[1]}").fetchall() == [("rpt_uptake", one[0])]
            return one[0]

    def recorded_at(self, name: str) -> datetime:
        with engine.connect() as con:
            releases = Store(self.log).releases.refresh().relation()
            (at,) = con.execute(f"select recorded_at from {releases} where release_id = ?", [name]).fetchone() or ()
            return datetime.fromisoformat(str(at)).astimezone(UTC)


@pytest.fixture
def releases(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_f108_a_build_is_compared_with_what_is_served_and_a_state_with_itself(releases: Kept) -> None:
    first, _, _ = releases.warehouse(1)
    assert releases.found(first, None) is None
    releases.serve("A")
    assert releases.found(first, "A") == "A"
    second = releases.serve("B", position=6)
    third, _, _ = releases.warehouse(1, position=7)
    assert releases.found(third, "B") == "B"
    assert releases.found(first, "B") == "A", "built again, it is what it was"
    assert releases.found(second, None) == "B", "a log that was copied without its releases"
    assert releases.found(third, None, releases.recorded_at("A")) == "A", "as of that day"
    releases.keep("C", "C")  # and then killed: it was served, and no row of releases says so
    assert releases.found(third, "C") == "C"


def test_f108_what_a_release_was_made_of_is_kept_once(releases: Kept) -> None:
    releases.keep("A", "A")
    releases.keep("A", "other")
    assert releases.rows("served") == [("A", "rpt_uptake", "A")]


def test_what_was_served_is_part_of_the_log_that_is_verified(releases: Kept) -> None:
    releases.serve("A")
    assert "served" in [table.path.name for table in Store(releases.log).tables]
