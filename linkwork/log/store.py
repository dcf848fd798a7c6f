"""The tables of the log and their columns. Everything that reads or writes `log/` starts here."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from linkwork.log.catalogue import Catalogue
from linkwork.log.envelope import ENVELOPE
from linkwork.log.table import HEAD, LogTable

FACT = "struct(slot varchar, category varchar, event_type varchar, stream_id blob, content_hash blob, event_id blob)"

REGISTER = {
    "feed": "varchar",
    "sender": "varchar",
    "record_key": "blob",
    "asserted_at": "timestamptz",
    "row_hash": "blob",
    "contested": "boolean",
    "subject_key": "blob",
    "facts": f"{FACT}[]",
}

LOADS = {
    "load_id": "varchar",
    "feed": "varchar",
    "sender": "varchar",
    "file_name": "varchar",
    "file_sha256": "varchar",
    "received_at": "timestamptz",
    "status": "varchar",
    "records": "bigint",
    "accepted": "bigint",
    "duplicate": "bigint",
    "superseded": "bigint",
    "conflict": "bigint",
    "quarantined": "bigint",
    "skipped": "bigint",
    "events": "bigint",
    "log_version": "bigint",
    "recorded_at": "timestamptz",
    "newest_asserted_at": "timestamptz",
    "subjects": "bigint",
    "identity_local": "bigint",
    "contract_version": "varchar",
    "batch_id": "varchar",
    "detail": "varchar",
}

QUARANTINE = {
    "load_id": "varchar",
    "feed": "varchar",
    "sender": "varchar",
    "file_name": "varchar",
    "source_line": "bigint",
    "rule": "varchar",
    "field": "varchar",
    "sentence": "varchar",
    "violations": "varchar[]",
    "recorded_at": "timestamptz",
}


@dataclass
class Store:
    """The log below one `log/` folder."""

    root: Path
    catalogue: Catalogue = field(default_factory=Catalogue.current)

    def __post_init__(self) -> None:
        events = {**ENVELOPE, **self.catalogue.payload_columns()}
        self.events = LogTable(self.root / "events", events, ("category",))
        self.register = LogTable(self.root / "register", REGISTER, ("feed", "sender"))
        self.loads = LogTable(self.root / "loads", LOADS)
        self.quarantine = LogTable(self.root / "quarantine", QUARANTINE)

    def refresh(self, *, evolve: bool = False) -> "Store":
        """See the newest commit of every table. `evolve` (the writer's) adds the columns of a newer catalogue."""
        for table in (self.events, self.register, self.loads, self.quarantine):
            table.refresh(evolve=evolve)
        return self

    def position(self) -> int:
        """The last global position; 0 for an empty log."""
        return self.events.transaction(HEAD) or 0

    def last_recorded_at(self) -> datetime | None:
        """When the newest event was recorded."""
        return max((f.highest["recorded_at"] for f in self.events.files()), default=None)
