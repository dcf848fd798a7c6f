"""Orders of erasure: what is to be erased and what was done of it, sealed in zone 1 until all of it is."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from linkwork.errors import BusyError
from linkwork.log.failpoints import reached
from linkwork.privacy import vault
from linkwork.settings import Settings

if TYPE_CHECKING:
    from linkwork.privacy.scan import Needles


@dataclass
class Order:
    """One erasure.

    `lines` maps the SHA-256 of a received file to the lines at which records of the person begin; `done` maps what is
    counted to places and numbers; `left` names what could not be cleaned.
    """

    erasure_id: str
    reason: str
    numbers: list[str]
    subjects: list[str]
    lines: dict[str, list[int]] = field(default_factory=dict)
    done: dict[str, dict[str, int]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    sender: str | None = None  # whose data are erased, all of them, instead of one person's

    def note(self, what: str, where: str, number: int) -> None:
        """Count what is about to be removed somewhere; what a cut off erasure says again counts once."""
        if number:
            places = self.done.setdefault(what, {})
            places[where] = max(number, places.get(where, 0))

    def total(self, what: str) -> int:
        """How much was removed, in all places."""
        return sum(self.done.get(what, {}).values())

    def leave(self, what: str) -> None:
        """Name something that cannot be cleaned."""
        self.left = sorted({*self.left, what})

    def add_lines(self, sha256: str, lines: Iterable[int]) -> None:
        self.lines[sha256] = sorted({*self.lines.get(sha256, []), *lines})

    def needles(self) -> "Needles":
        """What identifies the person."""
        from linkwork.privacy.scan import Needles  # loads pyarrow, and a build only asks whether there are orders

        return Needles.of(self.numbers, [bytes.fromhex(s) for s in self.subjects])

    def seal(self, settings: Settings, key: bytes) -> None:
        vault.seal_bytes(json.dumps(asdict(self)).encode(), folder(settings) / self.erasure_id, key)
        reached("erasure-sealed")

    def finish(self, settings: Settings) -> None:
        (folder(settings) / self.erasure_id).unlink()


def unfinished(settings: Settings) -> list[Path]:
    """The orders that were not carried out to the end."""
    return vault.sealed(folder(settings))


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


def folder(settings: Settings) -> Path:
    """Where the orders lie, sealed."""
    return settings.home / "restricted" / "erasures"
