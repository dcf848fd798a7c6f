"""Orders of erasure: what is to be erased and what was done of it, sealed in zone 1 until all of it is."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from linkwork.errors import BusyError
from linkwork.log.failpoints import reached
from linkwork.privacy import vault
from linkwork.privacy.scan import Needles
from linkwork.settings import Settings


@dataclass
class Order:
    """One erasure. `lines` maps the SHA-256 of a received file to the lines at which records of the person begin."""

    erasure_id: str
    reason: str
    numbers: list[str]
    subjects: list[str]
    lines: dict[str, list[int]] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, more: int) -> None:
        self.done[name] = self.done.get(name, 0) + more

    def needles(self) -> Needles:
        """What identifies the person."""
        return Needles.of(self.numbers, [bytes.fromhex(s) for s in self.subjects])

    def seal(self, settings: Settings, key: bytes) -> None:
        vault.seal_bytes(json.dumps(asdict(self)).encode(), _folder(settings) / self.erasure_id, key)
        reached("erasure-sealed")

    def finish(self, settings: Settings) -> None:
        (_folder(settings) / self.erasure_id).unlink()


def unfinished(settings: Settings) -> list[Path]:
    """The orders that were not carried out to the end."""
    return sorted(path for path in _folder(settings).glob("*") if not path.name.startswith("."))


def read(path: Path, key: bytes) -> Order:
    return Order(**json.loads(vault.unseal(path, key)))


def refuse_unfinished(settings: Settings) -> None:
    """Raise BusyError where an erasure was cut off: nothing may be built from what it has not removed yet."""
    if found := unfinished(settings):
        raise BusyError(
            "an erasure is not finished",
            where=str(found[0]),
            why="it was cut off",
            do="run `linkwork erase --resume`, which carries it out to the end",
        )


def _folder(settings: Settings) -> Path:
    return settings.home / "restricted" / "erasures"
