"""Take the restricted tier out of releases: after an erasure no record-level copy of a person may stay.

The open tier stays: it counts, and names nobody. What was removed, when and why stands in `redactions.json`.
"""

import json
import shutil
from datetime import datetime
from pathlib import Path

from linkwork.files import fsync, write_json

REDACTIONS = "redactions.json"


def redact(releases_dir: Path, because: str, at: datetime) -> list[str]:
    """Remove the restricted tier of every release that has one; returns their ids. `because` names an operation."""
    done = []
    for release in sorted(path for path in releases_dir.glob("[!.]*") if path.is_dir() and not path.is_symlink()):
        folder = release / "restricted"
        if not folder.exists():
            continue
        path = release / REDACTIONS
        earlier = json.loads(path.read_text())["redactions"] if path.exists() else []
        entry = {"tier": "restricted", "because": because, "at": at.isoformat()}
        if entry["because"] not in [one["because"] for one in earlier]:
            write_json(path, {"redactions": [*earlier, entry]})
        shutil.rmtree(folder)
        fsync(release)
        done.append(release.name)
    return done


def is_redacted(release: Path) -> bool:
    """Whether the restricted tier of a release was removed."""
    return (release / REDACTIONS).exists()
