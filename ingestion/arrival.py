"""One received file on its way through the gate."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Arrival:
    """One received file: where it lies, who sent it, under which ids it is taken through."""

    path: Path
    feed: str
    sender: str
    source_system: str
    sha256: str
    received_at: datetime
    load_id: str
    batch_id: str
    cadence_days: int | None = None
