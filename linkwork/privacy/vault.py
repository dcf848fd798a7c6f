"""Zone 1 at rest: AES-256-GCM for received files and refused records.

File layout: `LWV1`, then frames of a 12-byte nonce, a 4-byte big-endian length and the ciphertext. Each frame
authenticates its number and whether it is the last, so a cut or re-ordered file does not open.
"""

import fcntl
import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkwork.errors import BadDataError
from linkwork.files import fsync, private_dir
from linkwork.log.failpoints import reached

MAGIC = b"LWV1"
FRAME = 4 << 20
HEADER = 12 + 4  # nonce, length
PARTIAL = ".tmp"


def seal(source: Path, target: Path, key: bytes) -> None:
    """Encrypt a file into zone 1, whole or not at all. An existing target (same content) is kept."""
    if target.exists():
        return
    with source.open("rb") as handle:
        _write(iter(lambda: handle.read(FRAME), b""), target, key)


def seal_bytes(content: bytes, target: Path, key: bytes) -> None:
    """Encrypt bytes into zone 1, replacing what is there."""
    _write(iter([content]), target, key)


def sealed(folder: Path) -> list[Path]:
    """The sealed files of a folder, in order of their names; none that is still written."""
    return sorted(folder.glob("[!.]*"))


def unseal(path: Path, key: bytes) -> bytes:
    """Decrypt a file of zone 1. Raises BadDataError where the key is wrong or the file was changed."""
    with path.open("rb") as handle:
        return b"".join(unseal_frames(handle, key, str(path)))


def unseal_frames(handle: BinaryIO, key: bytes, where: str) -> Iterator[bytes]:
    """Decrypt a file of zone 1 frame by frame (4 MiB each); `where` names it in errors.

    Raises BadDataError as `unseal` does, which may be after some frames were given: only then is all of it known to
    be genuine and whole.
    """
    if handle.read(len(MAGIC)) != MAGIC:
        raise BadDataError("not a sealed file", where=where)
    cipher, number, header = AESGCM(key), 0, handle.read(HEADER)
    if not header:
        raise BadDataError("a sealed file does not open", where=where, why="it was cut off")
    while header:
        length = int.from_bytes(header[12:], "big")
        frame, following = _read_exactly(handle, length), handle.read(HEADER)
        try:
            if len(header) < HEADER or len(frame) < length:
                raise InvalidTag
            plain = cipher.decrypt(header[:12], frame, _label(number, last=not following))
        except InvalidTag as error:
            raise BadDataError(
                "a sealed file does not open", where=where, why="wrong zone 1 key, or it was changed"
            ) from error
        yield plain
        header, number = following, number + 1


def _read_exactly(handle: BinaryIO, length: int) -> bytes:
    """At most `length` bytes. A length that was tampered with must not make us reserve 4 GiB at once."""
    parts = []
    while length > 0 and (part := handle.read(min(length, FRAME))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def sweep(folder: Path) -> None:
    """Remove what a killed process had half written. A file under work is locked by its writer and stays.

    A writer whose file was removed before it had locked it fails at its rename; nothing is lost, its run is repeated.
    """
    for partial in folder.glob(f".*{PARTIAL}"):
        with suppress(FileNotFoundError, BlockingIOError), partial.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def _write(chunks: Iterator[bytes], target: Path, key: bytes) -> None:
    private_dir(target.parent)
    cipher, number = AESGCM(key), 0
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out, _gone_on_error(partial):
        fcntl.flock(out, fcntl.LOCK_EX)
        out.write(MAGIC)
        chunk = next(chunks, b"")
        while True:
            following = next(chunks, None)
            nonce = os.urandom(12)
            frame = cipher.encrypt(nonce, chunk, _label(number, last=following is None))
            out.write(nonce + struct.pack(">I", len(frame)) + frame)
            number += 1
            if following is None:
                break
            chunk = following
        out.flush()
        os.fsync(out.fileno())
        reached("sealing")
        partial.rename(target)
    fsync(target.parent)


@contextmanager
def _gone_on_error(partial: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _label(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q?", number, last)
