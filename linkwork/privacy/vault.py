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

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from linkwork.errors import BadDataError
from linkwork.files import fsync, private_dir
from linkwork.log.failpoints import reached

MAGIC = b"LWV1"
FRAME = 4 << 20
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


def unseal(path: Path, key: bytes) -> bytes:
    """Decrypt a file of zone 1. Raises BadDataError where the key is wrong or the file was changed."""
    data = path.read_bytes()
    if data[:4] != MAGIC:
        raise BadDataError("not a sealed file", where=str(path))
    cipher, position, number, plain = AESGCM(key), 4, 0, []
    while position < len(data):
        nonce = data[position : position + 12]
        length = int.from_bytes(data[position + 12 : position + 16], "big")
        frame = data[position + 16 : position + 16 + length]
        position += 16 + length
        try:
            if position > len(data):
                raise InvalidTag
            plain.append(cipher.decrypt(nonce, frame, _label(number, last=position >= len(data))))
        except InvalidTag as error:
            raise BadDataError(
                "a sealed file does not open", where=str(path), why="wrong zone 1 key, or it was changed"
            ) from error
        number += 1
    if not plain:
        raise BadDataError("a sealed file does not open", where=str(path), why="it was cut off")
    return b"".join(plain)


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
