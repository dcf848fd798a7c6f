"""The tables of the log and their columns. Everything that reads or writes `log/` starts here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from linkwork.log.catalogue import Catalogue
from linkwork.log.delta import EPOCH, DataFile
from linkwork.log.envelope import ENVELOPE
from linkwork.log.table import CLOCK, HEAD, NUMBER, LogTable

# The tables that follow a commit of events, in this order (`linkwork/log/plan.py`).
FOLLOWERS = ("register", "loads", "quarantine", "operations")

FACT = "struct(slot varchar, category varchar, event_type varchar, stream_id blob, content_hash blob, event_id blob)"

REGISTER = {
    "feed": "varchar",
    "sender": "varchar",
    "record_key": "blob",
    "asserted_at": "timestamptz",
    "row_hash": "blob",
    "contested": "boolean",
    "resolved": "boolean",
    "generation": "integer",
    "subject_key": "blob",
    "facts": f"{FACT}[]",
    "number": "bigint",
}

# Rows of a row group of the register: small, so that of a large partition little is read for the records of a batch.
REGISTER_GROUP = 8_192

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
    "source_system": "varchar",
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
    # Which record of the line it is: its number in the file, or of one that could not be read a negative one.
    "record_no": "bigint",
    # Of a later row of the same record: what became of it, by which command, and in which commit it was decided.
    "status": "varchar",
    "outcome": "varchar",
    "operation_id": "varchar",
    "log_version": "bigint",
}

OPERATIONS = {
    "operation_id": "varchar",
    "recorded_at": "timestamptz",
    "command": "varchar",
    "target": "varchar",
    "outcome": "varchar",
    "reason": "varchar",
    "actor": "varchar",
    "position": "bigint",
}

# What is left of the erased: receipts that identify nobody, and tombstones, HMACs of pseudonyms and record keys by
# which a redelivered record is recognised.
ERASURES = {
    "erasure_id": "varchar",
    "recorded_at": "timestamptz",
    "reason": "varchar",
    "actor": "varchar",
    "pseudonyms": "bigint",
    "events": "bigint",
    "register_rows": "bigint",
    "raw_records": "bigint",
    "files_removed": "bigint",
    "releases_redacted": "bigint",
    "unlinked_senders": "varchar[]",
    "not_cleaned": "varchar[]",
}

TOMBSTONES = {
    "erasure_id": "varchar",
    "recorded_at": "timestamptz",
    "kind": "varchar",
    "tombstone": "blob",
}

HOLDS = {
    "hold_id": "varchar",
    "recorded_at": "timestamptz",
    "action": "varchar",
    "tombstone": "blob",
    "reason": "varchar",
    "actor": "varchar",
}


# What was current, and what it was made of: its state and its watched figures (`linkwork/log/published.py`).
RELEASES = {
    "release_id": "varchar",
    "recorded_at": "timestamptz",
    "position": "bigint",
    "removals": "bigint",
    "code_maps": "varchar",
    "reference": "varchar",
    "code_version": "varchar",
    "known_at": "timestamptz",
    "cut_off": "date",
    "mapping_version": "varchar",
}

FIGURES = {
    "release_id": "varchar",
    "mart": "varchar",
    "item": "varchar",
    "figure": "varchar",
    "period_start": "date",
    "area_level": "varchar",
    "area_code": "varchar",
    "figure_value": "bigint",
}


# What the open tier of a release was made of, before suppression and rounding (`linkwork/log/served.py`).
SERVED = {
    "release_id": "varchar",
    "mart": "varchar",
    "content": "varchar",
}


@dataclass
class Store:
    """The log below one `log/` folder."""

    root: Path
    catalogue: Catalogue = field(default_factory=Catalogue.current)

    def __post_init__(self) -> None:
        events = {**ENVELOPE, **self.catalogue.payload_columns()}
        self.events = LogTable(self.root / "events", events, ("category",))
        self.register = LogTable(self.root / "register", REGISTER, ("feed", "sender"), REGISTER_GROUP)
        self.loads = LogTable(self.root / "loads", LOADS)
        self.quarantine = LogTable(self.root / "quarantine", QUARANTINE)
        self.operations = LogTable(self.root / "operations", OPERATIONS)
        self.erasures = LogTable(self.root / "erasures", ERASURES)
        self.tombstones = LogTable(self.root / "tombstones", TOMBSTONES)
        self.holds = LogTable(self.root / "holds", HOLDS)
        self.releases = LogTable(self.root / "releases", RELEASES)
        self.figures = LogTable(self.root / "figures", FIGURES)
        self.served = LogTable(self.root / "served", SERVED)

    @property
    def tables(self) -> tuple[LogTable, ...]:
        """Every table of the log, the events first."""
        apart = (self.erasures, self.tombstones, self.holds, self.releases, self.figures, self.served)
        return (self.events, *(getattr(self, name) for name in FOLLOWERS), *(t for t in apart if t.exists()))

    def refresh(self, *, evolve: bool = False) -> "Store":
        """See the newest commit of every table. `evolve` (the writer's) adds the columns of a newer catalogue."""
        for table in self.tables:
            table.refresh(evolve=evolve)
        return self

    def files_with_filters(self, con: duckdb.DuckDBPyConnection) -> list[DataFile]:
        """The files of events and of the register that hide rows from a look-up: see the table's own."""
        return [one for table in (self.events, self.register) for one in table.files_with_filters(con)]

    def position(self) -> int:
        """The last global position; 0 for an empty log."""
        return self.events.transaction(HEAD) or 0

    def commits(self) -> int:
        """How many commits of events there were."""
        return self.events.transaction(NUMBER) or 0

    def current_loads(self, where: str = "true", *, first: bool = False) -> str:
        """SQL that reads the ledger: of each load the newest row (or the first) for which `where` holds.

        A load has a later row where an operation (a retraction, a resolution) changed how many events it has.
        """
        order = "asc" if first else "desc nulls last"
        return f"""(select * from {self.loads.relation()} where {where}
            qualify row_number() over (partition by load_id order by recorded_at {order}) = 1)"""

    def current_quarantine(self, where: str = "true") -> str:
        """SQL that reads the index of refused records: of each record the newest row for which `where` holds.

        A row without `status` is of a record that is still refused.
        """
        return f"""(select * from {self.quarantine.relation()} where {where}
            qualify row_number() over (partition by load_id, source_line, record_no order by recorded_at desc) = 1)"""

    def last_recorded_at(self) -> datetime | None:
        """When the newest commit was recorded, whether or not it had an event."""
        if (clock := self.events.transaction(CLOCK)) is not None:
            return EPOCH + timedelta(microseconds=clock)
        return max((f.highest["recorded_at"] for f in self.events.files()), default=None)  # a log of version 0.1

    def settled_at(self) -> datetime | None:
        """When the newest commit was recorded that every table has; None where none says so (a log of version 0.1).

        While a commit is carried out its events are there and its ledger is not: a reader of both looks no further
        than this. It is asked for before the other tables are refreshed.
        """
        clock = self.operations.refresh().transaction(CLOCK) if self.operations.exists() else None
        return None if clock is None else EPOCH + timedelta(microseconds=clock)

    def next_time(self, now: datetime | None = None) -> datetime:
        """A time for what is recorded next: the clock's, but later than any before, whatever the clock says."""
        last, wanted = self.last_recorded_at(), now or datetime.now(UTC)
        return wanted if last is None else max(wanted, last + timedelta(microseconds=1))
