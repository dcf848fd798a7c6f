"""The documentation holds what it says: commands, queries and programs are run, tables and links are checked."""

import csv
import os
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import yaml

from ingestion.contract import load_contract
from ingestion.measures import Instrument, instruments
from linkwork import errors
from linkwork.log.catalogue import Catalogue
from linkwork.settings import PROJECT_ROOT, Settings
from tests.support.marts import UNTESTED

README = "README.md"
CODES = "docs/guides/codes-and-measures.md"
QUESTIONS = "docs/for-analysts.md"


def pages(pattern: str) -> list[str]:
    return sorted(p.relative_to(PROJECT_ROOT).as_posix() for p in (PROJECT_ROOT / "docs").glob(pattern))


GUIDES, RUNBOOKS = [*pages("guides/*.md"), QUESTIONS], pages("runbooks/*.md")
PAGES = [README, "CONTRIBUTING.md", "CHANGELOG.md", *GUIDES, *RUNBOOKS, *pages("decisions/*.md")]
PAGES += [page for page in pages("*.md") if page not in PAGES]

# Blocks of commands that no test runs, by page and first line, each with its reason.
NOT_RUN = {
    (README, "make run"): "continuous integration runs it; tests/dags takes the same job through a real Airflow",
    (README, "make test"): "it is what runs this test",
    (README, 'duckdb -readonly data/releases/current/open/marts.duckdb "from release"'): (
        "needs DuckDB's own command line program, which is no part of the environment"
    ),
    ("docs/guides/data-engineer.md", "airflow pools import dags/pools.json"): (
        "changes a permanent Airflow; tests/dags loads the same pools into one of its own"
    ),
    ("docs/guides/analyst.md", "linkwork docs site --out model-site"): "tests/dbt makes the same site",
    ("docs/guides/data-engineer.md", "make test-spark"): "is itself a test, in an environment of its own",
    ("docs/guides/data-engineer.md", "linkwork run --airflow"): "tests/dags takes the same job through a real Airflow",
}

FENCE = re.compile(r"^ *```(?P<kind>[a-z]*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HOSTS = {"keepachangelog.com", "semver.org"}  # the only hosts a page may name
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b", re.IGNORECASE)
MACHINE_PATH = re.compile(r"""(?:^|[\s"'`(=])(/(?:[\w.-]+/)+[\w.-]*)""", re.MULTILINE)
# The commands are run as they are written, on fewer files: the newest of each sender and feed. A file costs a good part
# of a second however small it is, and more files would show nothing more about the documentation.
FEWER_FILES = """
for folder in region/landing/*/*; do
  find "$folder" -type f | sort | head -n -1 | xargs -r rm
done
"""
STEP_SECONDS = 900  # so that a hanging command ends; nothing is judged by its time


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    kind: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.splitlines()[0]

    @property
    def is_run(self) -> bool:
        return (self.page, self.first_line) not in NOT_RUN


def text_of(page: str) -> str:
    return (PROJECT_ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *kinds: str) -> list[Block]:
    """The fenced blocks of a page that are of one of the kinds, in order."""
    found = [Block(page, m["kind"], textwrap.dedent(m["text"])) for m in FENCE.finditer(text_of(page))]
    return [block for block in found if block.kind in kinds]


@dataclass(frozen=True)
class Place:
    """Where the commands of README ended: the working directory and the environment of what follows."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )

    def run_blocks(self, found: list[Block], ending: str = "") -> "subprocess.CompletedProcess[str]":
        """Run blocks of commands as one script that stops at the first failure."""
        marked = [
            f"echo '== block {n}' >&2\n{block.text}" + (FEWER_FILES if "linkwork simulate" in block.text else "")
            for n, block in enumerate(found, start=1)
        ]
        return self.run("bash", "-euo", "pipefail", "-c", "\n".join([*marked, ending]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """README's commands, run in order; what it exported holds for everything after it."""
    start = tmp_path_factory.mktemp("docs")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LINKWORK_", "AIRFLOW_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")])
    before = Place(start, {**inherited, "PATH": path, "TMPDIR": str(start), "COLUMNS": "160"})
    found = [block for block in blocks(README, "sh") if block.is_run]
    ended = before.run_blocks(found, ending='pwd > "$TMPDIR/ended-in"; env | grep ^LINKWORK_ > "$TMPDIR/settings"')
    assert ended.returncode == 0, ended.stdout + ended.stderr
    settings = dict(line.split("=", 1) for line in (start / "settings").read_text().splitlines())
    # What comes after builds the same data again, which has passed dbt's tests.
    return Place(Path((start / "ended-in").read_text().strip()), {**before.environment, **settings, **UNTESTED})


def test_the_commands_of_the_readme_leave_a_release(place: Place) -> None:
    current = place.folder / "home" / "releases" / "current"
    assert (current / "open" / "manifest.json").is_file()
    assert (current / "restricted" / "marts.duckdb").is_file()


def test_of_a_date_of_birth_the_month_is_kept(place: Place) -> None:
    """As the guide for information governance says: in the log, and so in everything that is folded from it."""
    people = place.folder / "home" / "log" / "events" / "category=person" / "*.parquet"
    with duckdb.connect() as con:
        described, with_a_day = con.execute(
            "select count(*), count(*) filter (day(person_birth_month) <> 1) from read_parquet(?)", [str(people)]
        ).fetchone() or (0, 0)
    assert described > 0
    assert with_a_day == 0


@pytest.mark.parametrize("page", GUIDES)
def test_the_commands_of_a_guide_run(place: Place, tmp_path: Path, page: str) -> None:
    """Each on a copy of the home, since some change it."""
    shutil.copytree(place.folder, tmp_path / "at", symlinks=True)
    found = [block for block in blocks(page, "sh", "console") if block.is_run]
    here = {**place.environment, "LINKWORK_HOME": str(tmp_path / "at" / "home")}
    ended = Place(tmp_path / "at", here).run_blocks(found)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("page", RUNBOOKS)
def test_the_commands_of_a_runbook_run(place: Place, tmp_path: Path, page: str) -> None:
    """Each on a copy of the home, since they change it, with a request to erase somebody of the region."""
    shutil.copytree(place.folder, tmp_path / "at", symlinks=True)
    somebody = next((tmp_path / "at" / "region" / "landing").glob("registrations_csv/*/*.csv"))
    with somebody.open(encoding="utf-8") as handle:
        (tmp_path / "at" / "request.txt").write_text(next(csv.DictReader(handle))["nhs_number"] + "\n")
    here = {**place.environment, "LINKWORK_HOME": str(tmp_path / "at" / "home")}
    ended = Place(tmp_path / "at", here).run_blocks([block for block in blocks(page, "sh") if block.is_run])
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("page", [README, *GUIDES])
def test_the_python_programs_run(place: Place, page: str) -> None:
    for block in blocks(page, "python"):
        ended = place.run(sys.executable, "-c", block.text)
        assert ended.returncode == 0, f"{block.text}\n{ended.stderr}"


@pytest.mark.parametrize("page", [README, *GUIDES])
def test_the_queries_run_on_the_release(place: Place, page: str) -> None:
    """On the restricted tier, which has every mart; in the dashboard's guide on the open one, which it may read."""
    tier = "open" if page.endswith("dashboard.md") else "restricted"
    marts = place.folder / "home" / "releases" / "current" / tier / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as con:
        for block in blocks(page, "sql"):
            cursor = con.execute(block.text)
            assert cursor.description, block.text


def test_each_of_the_twenty_questions_has_an_answer(place: Place) -> None:
    asked = re.findall(r"^\*\*(\d+)\. .+\?\*\*", text_of(QUESTIONS), re.MULTILINE)
    assert asked == [str(number) for number in range(1, 21)]
    queries = blocks(QUESTIONS, "sql")
    assert len(queries) == len(asked)
    marts = place.folder / "home" / "releases" / "current" / "restricted" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as con:
        empty = [number for number, block in zip(asked, queries, strict=True) if not con.execute(block.text).fetchall()]
    assert empty == []


def test_every_block_of_commands_is_run_or_listed() -> None:
    written = {(b.page, b.first_line) for page in PAGES for b in blocks(page, "sh", "console")}
    assert set(NOT_RUN) <= written, "a listed block is gone"
    elsewhere = {page for page, _ in written} - {README, *GUIDES, *RUNBOOKS}
    assert not elsewhere, f"commands in {elsewhere} are run by no test: put them into README, a guide or a runbook"


def test_programs_and_queries_stand_in_pages_that_are_run() -> None:
    assert [p for p in PAGES if blocks(p, "python", "sql") and p not in (README, *GUIDES)] == []


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_somewhere(page: str) -> None:
    folder = (PROJECT_ROOT / page).parent
    targets = [m["target"] for m in LINK.finditer(FENCE.sub("", text_of(page)))]
    local = [t.partition("#") for t in targets if "://" not in t]
    assert [t for t, _, _ in local if not (folder / t).exists()] == []
    assert [
        (t, a) for t, _, a in local if a and a not in anchors((folder / t).resolve() if t else folder / Path(page).name)
    ] == []


def anchors(page: Path) -> set[str]:
    """The names of a page's headings in links."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_no_machine_and_no_other_host(page: str) -> None:
    text = text_of(page)
    assert MACHINE_PATH.findall(text) == []
    assert set(HOST.findall(text)) <= HOSTS


def test_pages_that_name_machines_or_hosts_are_noticed() -> None:
    samples = "see `/somewhere/else/file`, (/a/b) and read x/y/z or <br/> at " + ".".join(("files", "example", "org"))
    assert MACHINE_PATH.findall(samples) == ["/somewhere/else/file", "/a/b"]
    assert HOST.findall(samples) == ["files.example.org"]


def table_after(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its header."""
    section = text_of(page).partition(f"\n{heading}\n")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_settings_are_all_there_with_their_defaults() -> None:
    shown = {row[0].strip("`"): row[1] for row in table_after(README, "## Settings")}
    assert set(shown) == {f"LINKWORK_{field.upper()}" for field in Settings.model_fields}
    for field, told in Settings.model_fields.items():
        if field != "contracts_dir":  # a path of the installation
            default = "none" if told.default is None else f"`{told.default}`"
            assert shown[f"LINKWORK_{field.upper()}"] == default


def test_the_reporting_marts_are_all_there_with_their_tiers() -> None:
    described = [
        model
        for file in (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.yml")
        for model in yaml.safe_load(file.read_text()).get("models", [])
        if model["name"].startswith("rpt_")
    ]
    tiers = {model["name"]: set(model["config"]["meta"]["linkwork"]["tiers"]) for model in described}
    told = {
        mart.strip("`"): set(row[1].split(", "))
        for row in table_after(README, "## How to query a release")
        for mart in row[0].split(", ")
        if mart.startswith("`rpt_")
    }
    assert told == tiers


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(row[0]) for row in table_after(README, "## Exit codes")} == codes


def test_the_categories_are_those_of_the_seed() -> None:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "roll_up_categories.csv").open() as file:
        known = [[f"`{row['category']}`", row["label"]] for row in csv.DictReader(file) if row["category"] != "uncoded"]
    assert table_after(CODES, "## Categories") == known


def test_the_codes_of_an_offer_are_those_of_the_contract() -> None:
    contract = load_contract(Settings().contracts_dir / "gp_codes_csv.yaml", Catalogue.current())
    meanings = {str(meaning): code for code, meaning in (contract.field("meaning").values or {}).items()}
    events = {e.type: (e.when or {})["in"]["meaning"][0] for e in contract.events}
    told = {row[1].strip("`"): row[0] for row in table_after(CODES, "## Offers, and the code of a referral")}
    assert told == {event: meanings[meaning] for event, meaning in events.items()}


def test_the_instruments_are_those_of_the_files() -> None:
    assert table_after(CODES, "## Measures") == [_told(one) for one in instruments()]


def _told(one: Instrument) -> list[str]:
    """An instrument as the guide tells of it."""
    if one.quantity:
        limits = f"{one.quantity.lowest} to {one.quantity.highest} {one.quantity.unit}"
        return [f"`{one.instrument}`", "none", limits, ", ".join(f"`{unit}`" for unit in one.quantity.units)]
    assert one.score is not None
    answers = f"{one.items.count} of {one.items.lowest} to {one.items.highest}" if one.items else "none"
    how = {"table": ", by a table of the sum", "sum": ", the sum", "sent": ", as sent"}
    how |= {"sent": ", whole, as sent"} if one.score and one.score.whole else {}
    score = "none" if one.score.rule == "none" else f"{one.score.lowest} to {one.score.highest}{how[one.score.rule]}"
    bands = "bands of the score" + (" by cut points" if one.cutPoints else "")
    told = [bands] if one.bands or one.cutPoints else []
    told += [f"case from {one.score.caseFrom}"] if one.score.caseFrom is not None else []
    told += [f"reliable change {one.score.reliableChange}"] if one.score.reliableChange is not None else []
    told += ["each item by itself"] if one.results else []
    told += ["profile"] if one.profile else []
    return [f"`{one.instrument}`", answers, score, ", ".join(told) or "none"]


def test_every_decision_is_in_the_index_and_has_its_parts() -> None:
    index = text_of("docs/decisions/README.md")
    records = [p for p in PAGES if re.fullmatch(r"docs/decisions/\d{4}-[a-z0-9-]+\.md", p)]
    assert records
    for record in records:
        assert f"({Path(record).name})" in index
        parts = re.findall(r"^## (.+)$", text_of(record), re.MULTILINE)
        assert parts == ["Context", "Options", "Decision", "Consequences", "How it is held"], record


def test_sections_of_text_are_found_whole() -> None:
    """The helper that reads blocks sees the kinds it is asked for, and nothing inside another block."""
    page = textwrap.dedent("""\
        ```sh
        one
        two
        ```
        text
        ```sql
        select 1
        ```
        """)
    assert [(m["kind"], m["text"]) for m in FENCE.finditer(page)] == [("sh", "one\ntwo\n"), ("sql", "select 1\n")]
