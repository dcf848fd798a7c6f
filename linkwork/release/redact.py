"""Take the restricted tier out of releases: after an erasure no record-level copy of a person may stay.

The open tier stays: it counts, and names nobody. What was removed, when and why stands in `redactions.json`.
"""

import json
import shutil
from datetime import datetime
from pathlib import Path

from linkwork.files import fsync, write_json

REDACTIONS = "redactions.json"


def restricted(releases_dir: Path) -> list[Path]:
    """The releases that have a restricted tier."""
    releases = (path for path in releases_dir.glob("[!.]*") if path.is_dir() and not path.is_symlink())
    return sorted(release for release in releases if (release / "restricted").exists())


def redact(releases_dir: Path, because: str, at: datetime) -> None:
    """Remove the restricted tier of every release that has one. `because` names an operation."""
    for release in restricted(releases_dir):
        path = release / REDACTIONS
        earlier = json.loads(path.read_text())["redactions"] if path.exists() else []
        entry = {"tier": "restricted", "because": because, "at": at.isoformat()}
        if entry["because"] not in [one["because"] for one in earlier]:
            write_json(path, {"redactions": [*earlier, entry]})
        shutil.rmtree(release / "restricted")
        fsync(release)


def is_redacted(release: Path) -> bool:
    """Whether the restricted tier of a release was removed."""
    return (release / REDACTIONS).exists()
