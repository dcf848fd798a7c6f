"""What was published of a log that grew can be built again, for the time it was published, to the last byte."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingestion import pipeline
from linkwork import built, engine, publication, reference, warehouse
from linkwork.errors import EXIT_USAGE, UsageError
from linkwork.files import write_json
from linkwork.release.marts import read_marts
from linkwork.settings import Settings
from tests.support.depth import deep
from tests.support.installation import Installation
from tests.support.log import CONTRACT, add_sender, at, csv_text, day, deliver, rows
from tests.support.marts import build, build_untested

POINTS = deep(5, 20)
PRACTICES = ("Z90001", "Z90002")  # the others send the same, and there are twelve
NUMBER = "9990000018"


@dataclass(frozen=True)
class Point:
    """A moment at which the log stood still, and what was published then."""

    at: datetime
    position: int
    published: dict[str, Any]


class Grown:
    """A home whose log grew commit by commit, with a build and a release after each."""

    def __init__(self, install: Installation) -> None:
        install.run("simulate", "--people", "300", "--seed", "11", "--out", "region")
        self.sent = install.folder / "region"
        contracts = install.folder / "contracts"
        shutil.copytree(Settings.model_fields["contracts_dir"].default, contracts)
        (contracts / "test_state.yaml").write_text(CONTRACT)
        self.settings = Settings(
            home=install.home, keys_dir=install.folder / "keys", contracts_dir=contracts, test_numbers="allow"
        )
        install.run("reference", "load", "--all", "region/reference")
        add_sender(self.settings, "S1", ["test_state"])
        self.points = [self.grow(number) for number in range(POINTS)]

    def grow(self, number: int) -> Point:
        """One batch more, a run that only finds what still lies there, a build and a release."""
        files = sorted((self.sent / "landing").glob("*/*/*"), key=lambda path: (path.stem[-10:], path.parts[-3:]))
        files = [path for path in files if path.parts[-2] in PRACTICES or not path.parts[-2].startswith("Z9")]
        for path in files[number * len(files) // POINTS : (number + 1) * len(files) // POINTS]:
            target = self.settings.landing_dir.joinpath(*path.parts[-3:])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        self.happen(number)
        for _ in range(2):
            self.ingest()
        last = number == POINTS - 1  # of all that happened, with dbt's tests of the data
        built = build(self.settings) if last else build_untested(self.settings)
        published = publication.publish(self.settings)
        assert published["created"]
        return Point(datetime.now(UTC), built["position"], published)

    def happen(self, number: int) -> None:
        """What else comes about while a log grows: other reference data, a held file, a conflict, a refused file."""
        self.state(f"first{number}", day(1), at(1 + number))
        if number % 5 == 1:
            renamed = self.sent / "reference" / "pcns.csv"
            renamed.write_text(renamed.read_text().replace("Riverside", f"Riverside {number}"))
            assert reference.load(self.settings.reference_dir, "pcns", renamed)["new_version"]
        if number % 5 == 2:
            self.state(f"held{number}", day(3), at(1 + number))
        if number % 5 == 3:
            self.state(f"second{number}", day(2), at(1 + number))
            self.state(f"unknown{number}", day(2), at(1), sender="NOBODY")

    def state(self, name: str, received: str, when: str, sender: str = "S1") -> None:
        text = csv_text([{"id": "a", "nhs_number": NUMBER, "received": received, "at": when}])
        deliver(self.settings, f"{name}.csv", text, sender=sender)

    def ingest(self) -> None:
        """The job, but a file passes the boundary by its name."""
        batch = pipeline.open_batch(self.settings)
        for sender in batch["senders"]:
            pipeline.stage_sender(self.settings, batch["batch_id"], sender)
        folder = self.settings.staging_dir / batch["batch_id"]
        profiles = [json.loads(path.read_text()) for path in folder.glob("*/profile.json")]
        verdicts = {p["load_id"]: {"success": not p["file_name"].startswith("held"), "failed": []} for p in profiles}
        write_json(folder / "verdicts.json", {"verdicts": verdicts})
        pipeline.commit_batch(self.settings, batch["batch_id"])


@pytest.fixture(scope="module")
def grown(install: Callable[[str], Installation]) -> Iterator[Grown]:
    with pytest.MonkeyPatch.context() as patched:
        # Great Expectations looks at a release and changes nothing in it: `tests/expectations` is about that.
        patched.setattr(publication, "_check", lambda settings, folder: None)
        yield Grown(install("grown"))


@pytest.fixture
def another_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another time zone and number of threads, for this process and its children."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LINKWORK_THREADS", "1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def files_of(published: dict[str, Any]) -> dict[str, str]:
    """The hash of every exported file, with the place of the release's id left blank: equal hashes are equal bytes."""
    return {table.path: table.blank_sha256 for table in published["tables"]}


def test_something_of_everything_happened_between_the_points(grown: Grown) -> None:
    assert len({point.published["release_id"] for point in grown.points}) == POINTS
    statuses = rows(grown.settings, "loads", "status, count(*)", "group by 1")
    assert {status for status, n in statuses if n} >= {"committed", "held", "refused"}
    assert rows(grown.settings, "events", "count(*) > 0", "where revision_kind = 'contest'") == [(True,)]
    assert len(reference.versions(grown.settings.reference_dir, "pcns")) >= 2
    for tier in ("open", "restricted"):
        changing = [[v for k, v in files_of(p.published).items() if k.startswith(tier)] for p in grown.points]
        assert changing[0] != changing[-1], tier


@pytest.mark.parametrize("number", range(POINTS))
def test_e19_what_was_published_is_built_again_to_the_byte(grown: Grown, another_machine: None, number: int) -> None:
    """Later, in another time zone and with another number of threads."""
    point, elsewhere = grown.points[number], grown.settings.model_copy(update={"threads": 1})
    assert build_untested(elsewhere, known_at=point.at)["position"] == point.position
    again = publication.publish(elsewhere, point.at)
    assert files_of(again) == files_of(point.published)
    assert again["tables"] == point.published["tables"]
    assert (again["release_id"], again["created"]) == (point.published["release_id"], False)
    assert again["current"] is (number == POINTS - 1)


def test_every_export_is_in_the_order_of_its_key(grown: Grown) -> None:
    target = built.target_dir(grown.settings)
    keys = {mart.name: mart.meta.key for mart in read_marts(target / "manifest.json")}
    checked = 0
    for path in sorted(grown.points[-1].published["path"].glob("restricted/*.parquet")):
        columns = ", ".join(engine.name(c) for c in keys[path.stem])
        with engine.connect() as con:
            found = con.execute(f"select {columns} from read_parquet({engine.text(path)})").fetchall()
            in_order = con.execute(
                f"select {columns} from read_parquet({engine.text(path)}) order by "
                + ", ".join(f"{engine.name(c)} nulls last" for c in keys[path.stem])
            ).fetchall()
        assert found == in_order, path.stem
        checked += len(found) > 1
    assert checked > 8


def test_what_will_be_known_at_a_time_to_come_cannot_be_built(grown: Grown) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(UsageError, match="has not come") as raised:
        warehouse.build(grown.settings, tomorrow)
    assert raised.value.exit_code == EXIT_USAGE
