"""The three keys: pseudonyms (rotates), ids (never rotates), zone 1 encryption (rotates).

Keys live outside `LINKWORK_HOME`, so that a copy of the data does not carry what re-identifies it. A key file
holds 64 hexadecimal characters (32 bytes) and is readable by its owner only. The log remembers a check value
of each key it was written with, so that a wrong key is refused before it can split people in two.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from linkwork.errors import BadDataError, UsageError
from linkwork.files import write_json, write_whole
from linkwork.settings import Settings

KEY_BYTES = 32
PURPOSES = ("pseudonym", "id", "zone1")


@dataclass(frozen=True)
class Keys:
    """The keys of one installation, 32 bytes each. `retired` are pseudonym keys of before, whose pseudonyms may still
    stand in copies: an erasure looks for those as well."""

    pseudonym: bytes
    id: bytes
    zone1: bytes
    retired: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "Keys(…)"

    @property
    def erasure(self) -> bytes:
        """The key of tombstones: made from the id key, since like it it must never change."""
        return hmac.new(self.id, b"linkwork erasure", hashlib.sha256).digest()

    def check_values(self) -> dict[str, str]:
        """For each key a short value that recognises it and does not reveal it."""
        return {
            purpose: hmac.new(getattr(self, purpose), b"linkwork key check", hashlib.sha256).hexdigest()[:16]
            for purpose in PURPOSES
        }


def key_files(settings: Settings) -> dict[str, Path]:
    """Where each key is looked for: its own setting, else `<keys_dir>/<purpose>.key`."""
    return {
        purpose: getattr(settings, f"{purpose}_key_file") or settings.keys_dir / f"{purpose}.key"
        for purpose in PURPOSES
    }


def load_keys(settings: Settings) -> Keys:
    """Read the three keys. Raises UsageError where one is missing, inside the data home, or malformed."""
    retired = tuple(_read_key(path, settings) for path in sorted((settings.keys_dir / "retired").glob("*.key")))
    return Keys(
        **{purpose: _read_key(path, settings) for purpose, path in key_files(settings).items()}, retired=retired
    )


def load_key(settings: Settings, purpose: str) -> bytes:
    """Read one key, for who needs no other. Raises as `load_keys`."""
    return _read_key(key_files(settings)[purpose], settings)


def create_keys(settings: Settings) -> list[Path]:
    """Make the keys that are missing (32 random bytes each, mode 0600) and return the files written."""
    created = []
    for path in key_files(settings).values():
        if path.exists():
            continue
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o700)
        write_whole(path, secrets.token_hex(KEY_BYTES).encode() + b"\n", mode=0o600)
        created.append(path)
    return created


def remember_keys(keys: Keys, log_dir: Path) -> None:
    """Compare with the check values the log was written with; write them where the log is new."""
    path = log_dir / "keys.json"
    now = keys.check_values()
    if not path.exists():
        write_json(path, now)
        return
    before = json.loads(path.read_text())
    for purpose in ("pseudonym", "id"):  # the zone 1 key may rotate without touching the log
        if before.get(purpose) != now[purpose]:
            raise UsageError(
                f"the {purpose} key is not the one this log was written with",
                where=str(path),
                why="another key would give every person a new pseudonym or every fact a new id",
                do=f"set LINKWORK_{purpose.upper()}_KEY_FILE to the log's own key, or use another LINKWORK_HOME",
            )


def _read_key(path: Path, settings: Settings) -> bytes:
    if path.absolute().is_relative_to(settings.home):
        raise UsageError(
            "a key lies inside LINKWORK_HOME",
            where=str(path),
            why="whoever copies the data would copy the key with it",
            do="move it outside and set LINKWORK_KEYS_DIR",
        )
    if not path.is_file():
        raise UsageError("a key file is missing", where=str(path), do="make development keys with `linkwork keys init`")
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadDataError("a key file is malformed", where=str(path), why="it must hold 64 hexadecimal characters")
    return key
