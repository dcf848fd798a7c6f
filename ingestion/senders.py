"""Who may send what: the register of senders, from reference data."""

from dataclasses import dataclass
from pathlib import Path

from linkwork import reference


@dataclass(frozen=True)
class Sender:
    """A registered sender: its code, what kind it is, its feeds and the system its records come from."""

    code: str
    kind: str
    feeds: frozenset[str]
    source_system: str
    cadence_days: int | None = None


def registered(reference_dir: Path) -> dict[str, Sender]:
    """Every registered sender by code."""
    return {
        row["code"]: Sender(
            row["code"], row["kind"], frozenset(row["feeds"]), row["source_system"], row["cadence_days"]
        )
        for row in reference.rows(reference_dir, "senders")
    }
