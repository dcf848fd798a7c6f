"""What a commit hands to the boundary `recorded`: the claims that Great Expectations then checks."""

import json
from pathlib import Path
from typing import Any

from linkwork import engine
from linkwork.files import write_json
from linkwork.log.failpoints import reached
from linkwork.log.store import Store
from linkwork.settings import Settings

COUNTS = (
    "load_id", "events", "records", "accepted", "duplicate", "superseded", "conflict", "quarantined", "skipped",
)  # fmt: skip


def pending(settings: Settings) -> list[Path]:
    """The commits that wait to be judged, oldest first.

    One whose files are gone was written anew since, by an erasure or a compaction: nothing can be held against what it
    claimed, and it is forgotten. `log verify` proves what stands in its place.
    """
    waiting = (settings.quality_dir / "pending").glob("*.json")
    claims = sorted(path for path in waiting if not path.name.startswith("released-") and ".verdict." not in path.name)
    for path in claims:
        if not all(Path(file).exists() for file in json.loads(path.read_text())["files"]):
            path.unlink()
    return [path for path in claims if path.exists()]


def hand_over(settings: Settings, store: Store, plan: dict[str, Any], version: int) -> None:
    """Say what a carried out plan claims to have added, for the boundary to check."""
    store.loads.refresh()
    theirs = f"list_contains({engine.texts(plan['loads_committed'])}::varchar[], load_id)"
    with engine.asking() as con:
        rows = con.execute(
            f"""select {", ".join(COUNTS)} from {store.current_loads(theirs, first=True)} order by load_id"""
        ).fetchall()
    write_json(
        settings.quality_dir / "pending" / f"{plan['batch_id']}.json",
        {
            "batch_id": plan["batch_id"],
            "commit_version": version,
            "position_before": plan["position_before"],
            "position_after": plan["position"],
            "files": [str(store.events.path / added["path"]) for added in plan["events"]["add"]],
            "loads": [dict(zip(COUNTS, row, strict=True)) for row in rows],
        },
    )
    reached("handed-over")
