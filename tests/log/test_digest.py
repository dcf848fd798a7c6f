"""The log's content hash: the same for the same events, whoever loaded them when; another for any other."""

import pytest

from linkwork.log.digest import digest
from linkwork.log.store import Store
from tests.support.crash import copy_of
from tests.support.log import at, csv_text, day, deliver, ingest, make_home


def loaded(template, folder, *batches):
    settings = copy_of(template, folder)
    for batch in batches:
        for name, rows in batch.items():
            deliver(settings, name, csv_text(rows))
        ingest(settings)
    return digest(Store(settings.log_dir))


def record(id, received, closed=""):
    return {"id": id, "nhs_number": "9990000018", "received": received, "closed": closed, "at": at(1)}


FIRST, SECOND = [record("a", day(1)), record("b", day(2), day(3))], [record("c", day(4))]


@pytest.fixture
def template(tmp_path):
    return make_home(tmp_path / "template")


def test_it_does_not_tell_runs_or_files_of_the_log_apart(template, tmp_path):
    together = loaded(template, tmp_path / "1", {"1.csv": FIRST, "2.csv": SECOND})
    apart = loaded(template, tmp_path / "2", {"1.csv": FIRST}, {"renamed.csv": SECOND})
    assert together == apart
    assert len(together) == 32


@pytest.mark.parametrize(
    "other",
    [
        [record("a", day(1)), record("b", day(2), day(4))],  # a fact
        [record("a", day(1)), record("b2", day(2), day(3))],  # a record
        [record("a", day(1)), record("b", day(2), day(3)) | {"nhs_number": "9990000026"}],  # a person
        [record("b", day(2), day(3)), record("a", day(1))],  # positions and lines
        [record("a", day(1)), record("b", day(2), day(3)) | {"at": at(2)}],  # when it was asserted
    ],
)
def test_it_tells_any_other_events_apart(template, tmp_path, other):
    assert loaded(template, tmp_path / "1", {"1.csv": FIRST}) != loaded(template, tmp_path / "2", {"1.csv": other})


def test_a_log_without_events_has_one_too(template):
    assert digest(Store(template.log_dir)) == "0" * 32
    deliver(template, "1.csv", csv_text([record("a", "")]))
    ingest(template)
    assert digest(Store(template.log_dir)) == "0" * 32
