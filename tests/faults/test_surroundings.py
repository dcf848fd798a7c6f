"""No network, no HOME, blanks in every path, a user without a name, and a project that cannot be written to.

All at once, in one run of the whole job: what fails says which of them it was.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from linkwork.settings import PROJECT_ROOT
from tests.support import offline
from tests.support.installation import LINKWORK
from tests.support.people import ANNA, BEN, CLEO, REFERRALS, SERVICE, referral, text

PARTS = ("linkwork", "ingestion", "expectations", "dbt_project", "dags")
NOBODY = 54321  # no such user: a container may be given any number
SENT = text(REFERRALS, *(referral(f"r{n}", nhs, 1, accepted="2025-05-03") for n, nhs in enumerate((ANNA, BEN, CLEO))))
NOWHERE = "import socket; to = socket.socket(); to.settimeout(2); to.connect(('192.0.2.1', 80))"


@dataclass
class Place:
    """A copy of the project that nobody can write to, and folders beside it that its user can write to."""

    root: Path
    project: Path = field(init=False)
    ours: Path = field(init=False)

    def __post_init__(self) -> None:
        self.project, self.ours = self.root / "the project", self.root / "what is ours"

    @property
    def report(self) -> Path:
        return self.root / "report.jsonl"

    def run(self, *command: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A program without a network, as a user without a name; `home` is HOME, which is not set by default."""
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.project),
            "LINKWORK_HOME": str(self.ours / "all the data"),
            "LINKWORK_KEYS_DIR": str(self.ours / "some keys"),
            "LINKWORK_TEST_NUMBERS": "allow",
        } | ({"HOME": str(home)} if home else {})
        user = str(NOBODY) if os.geteuid() == 0 else "-"
        wrapped = [sys.executable, offline.__file__, str(self.report), user, *command]
        return subprocess.run(wrapped, env=env, cwd=self.project, capture_output=True, text=True, check=False)

    def linkwork(self, *arguments: str, home: Path | None = None, code: int = 0) -> str:
        done = self.run(LINKWORK, *arguments, home=home)
        assert done.returncode == code, (arguments, done.stdout[-2000:], done.stderr[-3000:])
        return done.stdout

    def reported(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.report.read_text().splitlines()]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    root = Path(tempfile.mkdtemp(prefix="of linkwork ")).resolve()  # pytest's own folders are closed to other users
    root.chmod(0o755)
    made = Place(root)
    try:
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
            shutil.copytree(PROJECT_ROOT / part, made.project / part, ignore=ignored)
        for path in [made.project, *made.project.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        made.ours.mkdir()
        landing = root / "files that came" / "referrals_csv" / SERVICE
        landing.mkdir(parents=True)
        (landing / "first file.csv").write_text(SENT)
        closed = root / "a closed home"
        closed.mkdir(mode=0o555)
        if os.geteuid() == 0:
            os.chown(made.ours, NOBODY, NOBODY)
        yield made
    finally:
        for path in root.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def done(place: Place) -> dict[str, Any]:
    """What each command said, of a job from a landing folder to a release and to a trace."""
    probe = place.run(sys.executable, "-c", "import linkwork; print(linkwork.__file__)")
    if probe.returncode != 0:
        pytest.skip(f"another user cannot run this Python: {probe.stderr[-200:]}")
    assert Path(probe.stdout.strip()).is_relative_to(place.project)
    nowhere, closed = None, place.root / "a closed home"
    said: dict[str, Any] = {}
    sender = ("sender", "add", SERVICE, "--feed", "referrals_csv", "--name", "A service", "--source-system", "own")
    for name, home, arguments in (
        ("keys", nowhere, ("keys", "init")),
        ("sender", nowhere, sender),
        ("ingest", nowhere, ("ingest", "--landing", str(place.root / "files that came"), "--json")),
        ("build", nowhere, ("build", "--json")),
        ("publish", closed, ("publish", "--json")),
        ("trace", closed, ("trace", "fct_referrals", "--where", "true", "--json")),
        ("sql", nowhere, ("sql", "select count(*) as n from fct_referrals", "--json")),
        ("verify", closed, ("log", "verify", "--json")),
        ("status", nowhere, ("status", "--json")),
    ):
        out = place.linkwork(*arguments, home=home)
        said[name] = json.loads(out) if "--json" in arguments else out
    return said


def test_f122_the_job_runs_with_blanks_in_paths_and_without_a_home(place: Place, done: dict[str, Any]) -> None:
    assert (done["ingest"]["files"]["committed"], done["ingest"]["events"]) == (1, done["build"]["position"])
    assert done["publish"]["current"] is True
    assert done["trace"]["cells"]["total"] == done["sql"][0]["n"] > 0
    assert done["trace"]["files"]["rows"][0]["file_name"] == "first file.csv"
    assert done["verify"]["problems"] == []
    assert done["status"]["release"] == done["publish"]["release_id"]


def test_f122_nothing_is_written_but_where_it_may_be(place: Place, done: dict[str, Any]) -> None:
    written = {path.name for path in place.ours.iterdir()}
    assert written == {"all the data", "some keys"}
    assert {path.name for path in place.root.iterdir()} - {place.report.name} == {
        "the project",
        "what is ours",
        "files that came",
        "a closed home",
    }
    assert list((place.root / "a closed home").iterdir()) == []
    given = {path.relative_to(PROJECT_ROOT) for part in PARTS for path in (PROJECT_ROOT / part).rglob("*.*")}
    found = {path.relative_to(place.project) for path in place.project.rglob("*.*")}
    assert found <= given
    assert not any(path.name == "__pycache__" for path in place.project.rglob("*"))
    if os.geteuid() == 0:
        assert {path.stat().st_uid for path in place.ours.rglob("*")} == {NOBODY}


def test_f119_nothing_reached_for_the_network(place: Place, done: dict[str, Any]) -> None:
    reported = [line for line in place.reported() if line["command"][:1] != ["-c"]]
    assert len(reported) >= len(done)
    assert [line for line in reported if line["wanted"] or line["sent"]] == []


def test_f119_f122_the_site_is_made_as_well(place: Place, done: dict[str, Any]) -> None:
    arguments = ("docs", "site", "--out", str(place.ours / "the site"), "--json")
    page = Path(json.loads(place.linkwork(*arguments, home=place.root / "a closed home"))["page"])
    assert page.is_relative_to(place.ours)
    assert str(place.root) not in page.read_text(encoding="utf-8")
    last = place.reported()[-1]
    assert (last["command"][0], last["wanted"], last["sent"]) == ("docs", [], 0)


@pytest.mark.parametrize("by", ["a hook", "the system"])
def test_f119_it_would_have_been_noticed(tmp_path: Path, by: str) -> None:
    """By a program of Python, and by one that no hook of Python sees."""
    report = tmp_path / "report.jsonl"
    unseen = ["-S", "-I"] if by == "the system" else []
    command = [sys.executable, offline.__file__, str(report), "-", sys.executable, *unseen, "-c", NOWHERE]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    (line,) = (json.loads(text) for text in report.read_text().splitlines())
    if by == "a hook":
        assert line["wanted"] == ["socket.connect ('192.0.2.1', 80)"]
    elif not line["cut_off"]:
        pytest.skip("a network namespace of its own is not allowed here")
    else:
        assert line["sent"] > 0
