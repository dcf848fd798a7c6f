"""The event catalogue: what is in it, and that a wrong one is refused by file."""

import pytest

from linkwork.errors import BadDataError
from linkwork.log.catalogue import CATALOGUE_DIR, SQL_TYPES, Catalogue
from linkwork.log.envelope import ENVELOPE

GOOD = """category: visit
description: d
columns:
  kind: {type: varchar, description: d}
events:
  visit.made: {description: d, columns: [kind]}
"""


def test_the_current_version_is_the_newest_folder():
    current = Catalogue.current()
    assert current.version == max(int(p.name[1:]) for p in CATALOGUE_DIR.glob("v*"))
    assert set(current.categories) == {p.stem for p in CATALOGUE_DIR.glob("v*/*.yaml")}


def test_events_belong_to_one_category_and_use_its_columns():
    current = Catalogue.current()
    assert sum(len(c.events) for c in current.categories.values()) == len(current.events)
    for event in current.events.values():
        assert set(event.columns) <= set(current.categories[event.category].columns)
        assert event.description


def test_stored_columns_are_prefixed_typed_and_never_clash():
    current = Catalogue.current()
    stored = current.payload_columns()
    assert len(stored) == sum(len(c.columns) for c in current.categories.values())
    assert not set(stored) & set(ENVELOPE)
    assert set(stored.values()) <= SQL_TYPES
    assert stored["activity_asset_id"] == "varchar"


def test_a_small_catalogue_loads(tmp_path):
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "visit.yaml").write_text(GOOD)
    loaded = Catalogue.load(tmp_path, 3)
    assert (loaded.version, list(loaded.events), loaded.payload_columns()) == (
        3,
        ["visit.made"],
        {"visit_kind": "varchar"},
    )


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("type: varchar", "type: json", "json"),
        ("category: visit", "category: other", ""),
        ("[kind]", "[kind, colour]", "colour"),
    ],
)
def test_a_wrong_catalogue_names_its_file(tmp_path, old, new, why):
    (tmp_path / "v1").mkdir()
    path = tmp_path / "v1" / "visit.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(BadDataError, match="the event catalogue is wrong") as raised:
        Catalogue.load(tmp_path, 1)
    assert raised.value.where == str(path)
    assert why in raised.value.why
