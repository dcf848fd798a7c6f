"""One received file made ready for the gate: unpacked if it is packed, and taken through.

Every way to the gate leads through here, so that what was staged from a file and what is read from its encrypted copy
later are the same bytes with the same line numbers.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingestion import containers, profile
from ingestion.arrival import Arrival
from ingestion.contract import Contract
from ingestion.gate import Gate
from ingestion.readers.base import FileRefused
from linkwork.files import write_json

SPILL = "worker-"  # folders of workers below the spill folder: worker-<pid of the job>-…


def take(
    gate: Gate,
    arrival: Arrival,
    contract: Contract,
    batch_dir: Path,
    previous: dict[str, Any] | None,
    limits: containers.Limits,
    unpacked_size: Callable[[int], None] = lambda _size: None,
) -> dict[str, Any]:
    """Take a file through the gate, unpacked. Returns its profile as `Gate.stage` does.

    `unpacked_size` is told how many bytes there are to read.
    """
    try:
        with opened(arrival.path, arrival.name or arrival.path.name, gate.spill, limits) as plain:
            unpacked_size(plain.stat().st_size)
            unpacked = replace(arrival, path=plain, name=arrival.name or arrival.path.name)
            return gate.stage(unpacked, contract, batch_dir, previous)
    except FileRefused as refusal:
        return refuse(arrival, contract, batch_dir, previous, str(refusal))


def refuse(
    arrival: Arrival, contract: Contract, batch_dir: Path, previous: dict[str, Any] | None, sentence: str
) -> dict[str, Any]:
    """The profile of a file that is refused as a whole; nothing is left staged of it."""
    folder = batch_dir / arrival.load_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    described = profile.empty(arrival, contract, previous) | {"refused": sentence}
    write_json(folder / "profile.json", described)
    return described


@contextmanager
def opened(path: Path, name: str, spill: Path, limits: containers.Limits) -> Iterator[Path]:
    """The path of a file's content: itself, or what it unpacks to for as long as the block runs.

    Raises FileRefused where its name says something else than its first bytes, or where it cannot be unpacked.
    """
    kind, named = containers.packing(path, limits), containers.named(name)
    if kind != named:
        raise FileRefused(_disagreement(kind, named))
    if kind is None:
        yield path
        return
    with containers.unpacked(path, spill, limits) as plain:
        if containers.packing(plain, limits) is not None:
            raise FileRefused(f"The {kind} holds another packed file; only one layer is opened.")
        yield plain


def _disagreement(kind: str | None, named: str | None) -> str:
    if kind is None:
        return f"The file is named as {named} and is none."
    ending = " or ".join(containers.SUFFIXES[kind])
    return f"The file is {kind}, but its name does not end with {ending}."
