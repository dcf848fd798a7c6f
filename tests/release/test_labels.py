"""A release says what its figures mean, each tier of its own columns."""

from typing import Any

import pytest

from linkwork.release.manifest import read_manifest
from linkwork.release.verify import verify_release


@pytest.fixture
def uptake(region: Any, example_row: Any, example_meta: dict[str, Any]) -> Any:
    """A region whose one mart has the name of a real one, and two of its columns: one for each tier, one for both."""
    mart = region.example([example_row()])
    disclosure = {**example_meta["disclosure"], "drop": ["candidates"]}
    sql = f"select *, 5::bigint as candidates from {mart.relation}"
    region.nodes.clear()
    region.mart("rpt_uptake", sql, {**example_meta, "disclosure": disclosure})
    return region


def test_each_tier_has_the_labels_of_its_columns(uptake: Any, read: Any) -> None:
    path = uptake.publish().path
    for folder, columns in ((path, {"referrals", "people", "candidates"}), (path / "open", {"referrals", "people"})):
        measures = read_manifest(folder).measures
        assert {one.measure for one in measures} == columns
        assert {one.mart for one in measures} == {"rpt_uptake"}
    for tier, columns in (("restricted", {"referrals", "people", "candidates"}), ("open", {"referrals", "people"})):
        told = read(f"attach '{path}/{tier}/marts.duckdb' as m (read_only); select * from m.measures")
        assert {row["measure"] for row in told} == columns
        (people,) = (row for row in told if row["measure"] == "people")
        assert (people["label"], people["unit"]) == ("People who reached the stage", "people")


def test_other_labels_are_another_release(uptake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = uptake.publish()
    assert uptake.publish().created is False
    monkeypatch.setattr("linkwork.release.definitions.read", dict)
    second = uptake.publish()
    assert (second.created, second.release_id == first.release_id) == (True, False)
    assert verify_release(second.path).measures == []
