"""What became of delivered files: statuses, fates and refused lines, read from the log's own tables."""

from dataclasses import dataclass

from linkwork.log.store import Store
from linkwork.log.verify import verify
from linkwork.settings import Settings
from tests.support.log import SENDER, add_sender, at, day, deliver, ingest, rows

NUMBER, OTHER = "9990000018", "9990000026"
HEADER = "id,nhs_number,received,closed,at"


@dataclass(frozen=True)
class Fate:
    """A file's row in the ledger, its refused lines with their rules, and the records whose events it added."""

    status: str
    detail: str | None
    records: int
    accepted: int
    duplicate: int
    conflict: int
    quarantined: int
    skipped: int
    events: int
    refused: list[tuple[int, str]]
    ids: list[str]


def good(id: str, when: int = 1, received: str = day(2), nhs: str = NUMBER) -> str:
    """One right line of the small feed of referrals."""
    return f"{id},{nhs},{received},,{at(when)}"


def lines(*content: str, header: str = HEADER) -> str:
    return "\n".join([header, *content]) + "\n"


def put(settings: Settings, name: str, content: str | bytes, feed: str = "test_state", sender: str = SENDER) -> None:
    path = deliver(settings, name, "", feed=feed, sender=sender)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def taken(settings: Settings, content: str | bytes, name: str = "f.csv") -> Fate:
    """Deliver one file and ingest it. The log must verify after it, whatever the file was."""
    put(settings, name, content)
    ingest(settings)
    assert verify(Store(settings.log_dir)).problems == []
    return fates(settings)[name]


def fates(settings: Settings) -> dict[str, Fate]:
    """What became of each file, by its name; of a name sent twice, the later."""
    refused: dict[str, list[tuple[int, str]]] = {}
    for name, line, rule in rows(settings, "quarantine", "load_id, source_line, rule", "order by 1, 2"):
        refused.setdefault(name, []).append((line, rule))
    ids: dict[str, list[str]] = {}
    for name, ref in rows(settings, "events", "load_id, source_record_ref", "order by global_position"):
        ids.setdefault(name, []).append(ref)
    columns = "file_name, load_id, status, detail, records, accepted, duplicate, conflict, quarantined, skipped, events"
    return {
        name: Fate(*counted, refused=refused.get(load, []), ids=ids.get(load, []))
        for name, load, *counted in rows(settings, "loads", columns, "order by recorded_at, load_id")
    }


def add_feed(settings: Settings, name: str, contract: str, sender: str = "S2") -> None:
    (settings.contracts_dir / f"{name}.yaml").write_text(contract)
    add_sender(settings, sender, [name])


def use_installed(settings: Settings, *feeds: str) -> None:
    """Put contracts the project ships beside the small one."""
    installed = Settings.model_fields["contracts_dir"].default
    for feed in feeds:
        (settings.contracts_dir / f"{feed}.yaml").write_text((installed / f"{feed}.yaml").read_text())
