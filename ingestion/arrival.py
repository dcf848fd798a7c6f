"""One received file on its way through the gate."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingestion.landing import shown


@dataclass(frozen=True)
class Arrival:
    """One received file: where it lies, who sent it, under which ids it is taken through.

    `path` is what is read, such as the unpacked content; `name` the file's own name where that is another.
    """

    path: Path
    feed: str
    sender: str
    source_system: str
    sha256: str
    received_at: datetime
    load_id: str
    batch_id: str
    cadence_days: int | None = None
    name: str | None = None

    @property
    def file_name(self) -> str:
        """The file's name as it is stored and shown."""
        return shown(self.name or self.path.name)
