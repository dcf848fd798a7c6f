"""What a commit hands to the boundary `recorded`: the claims that Great Expectations then checks."""

from pathlib import Path

from linkwork.files import write_json
from linkwork.log import append
from linkwork.settings import Settings


def claims_file(settings: Settings, batch_id: str) -> Path:
    """Where a commit waits to be judged."""
    return settings.quality_dir / "pending" / f"{batch_id}.json"


def hand_over(settings: Settings, result: append.Commit) -> None:
    """Say what the commit claims to have added, for the boundary to check."""
    counts = (
        "load_id",
        "events",
        "records",
        "accepted",
        "duplicate",
        "superseded",
        "conflict",
        "quarantined",
        "skipped",
    )
    write_json(
        claims_file(settings, result.batch_id),
        {
            "batch_id": result.batch_id,
            "commit_version": result.version,
            "position_before": result.position_before,
            "position_after": result.position,
            "files": [str(p) for p in result.files],
            "loads": [{c: row[c] for c in counts} for row in result.loads],
        },
    )
