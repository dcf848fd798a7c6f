"""A home to change freely beside a big log that stays as it is, and the files that senders deliver to it."""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import feeds, tree
from benchmarks.big_log import settings_of
from linkwork import engine, processes
from linkwork.errors import EXIT_DONE, EXIT_REFUSALS
from linkwork.files import write_json
from linkwork.settings import Settings

EXTRACT = datetime(2026, 6, 1, tzinfo=UTC)  # later than every load of a big log
UNHEARD_OF = 100_000_000  # record numbers no log holds


def borrow(kept: Path, scratch: Path) -> Settings:
    """A home in `scratch` with the same log. Files are hard links: the log never changes a file in place."""
    for part in ("data", "keys"):
        if (scratch / part).exists():
            shutil.rmtree(scratch / part)
    shutil.copytree(kept / "data", scratch / "data", copy_function=os.link)
    shutil.copytree(kept / "keys", scratch / "keys")
    return settings_of(scratch)


def deliver(
    settings: Settings,
    feed: str,
    senders: Sequence[tuple[int, str]],
    *,
    unchanged: int = 0,
    changed: int = 0,
    new: int = 0,
    extract: int = 0,
) -> list[Path]:
    """A file of each sender (number, code) in the landing folder: the log's first rows again, changed ones, new ones.

    `extract` numbers the delivery: a later one asserts later.
    """
    paths = []
    stated_at = EXTRACT + timedelta(days=extract)
    with engine.connect() as con:
        for number, code in senders:
            rows = f"""(
                select {number} as sender_no, {engine.text(code)} as sender, timestamptz {engine.text(stated_at)} as
                    stated_at, changed, n
                from (
                    select i as n, i >= {unchanged} as changed from range({unchanged + changed}) as r (i)
                    union all
                    select {UNHEARD_OF} + i, false from range({new}) as r (i)
                ))"""
            path = settings.landing_dir / feed / code / f"extract_{extract:04d}.csv"
            feeds.write_csv(con, feed, rows, path)
            paths.append(path)
    return paths


def pass_all(settings: Settings, batch_id: str) -> None:
    """The verdicts of a boundary that every staged file passed."""
    batch_dir = settings.staging_dir / batch_id
    verdicts = {p.parent.name: {"success": True, "failed": []} for p in batch_dir.glob("*/profile.json")}
    write_json(batch_dir / "verdicts.json", {"verdicts": verdicts})


def take_in(settings: Settings, delivery: Path) -> tree.Used:
    """Ingest a region's delivery, with the reference data that comes with it; what the ingest used."""
    if (delivery / "reference").exists():
        command(settings, "reference", "load", "--all", str(delivery / "reference"))
    return command(settings, "ingest", "--landing", str(delivery / "landing"), "--json")


def command(settings: Settings, *arguments: str) -> tree.Used:
    """Run `linkwork` on a home. Raises RuntimeError where it failed; that it refused some files is no failure."""
    settings.home.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        "LINKWORK_HOME": str(settings.home),
        "LINKWORK_KEYS_DIR": str(settings.keys_dir),
        "LINKWORK_TEST_NUMBERS": "allow",
    }
    used = tree.run([processes.script("linkwork"), *arguments], settings.home.parent / "linkwork.log", environment)
    if used.code not in (EXIT_DONE, EXIT_REFUSALS):
        raise RuntimeError(f"linkwork {arguments[0]} ended with {used.code}: {used.errors[-2000:]}")
    return used
