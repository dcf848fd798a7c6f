"""One person's identifiers outside SQL: the checked NHS number, its pseudonyms, its tombstones."""

import hashlib
import hmac
import re

from linkwork.errors import UsageError
from linkwork.privacy.keys import Keys

SUBJECT_BYTES = 16
SEPARATORS = re.compile(r"[\s-]")
# Ten digits as they are written: together, or as 3-3-4 with a space or hyphen.
WRITTEN = re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)")


def nhs_number(text: str) -> str:
    """The ten digits of an NHS number. Raises UsageError, without the text, where the check digit does not hold."""
    digits = SEPARATORS.sub("", text)
    if not is_nhs_number(digits):
        raise UsageError("not an NHS number", why="it must have ten digits of which the last is the check digit")
    return digits


def is_nhs_number(digits: str) -> bool:
    """NHS Data Dictionary: weights 10 to 2, remainder from 11; 11 counts as 0 and 10 is never valid."""
    if not re.fullmatch(r"[0-9]{10}", digits) or len(set(digits)) == 1:
        return False
    check = (11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11) % 11
    return check != 10 and check == int(digits[9])


def masked(text: str) -> str:
    """A text, such as a file's name, with the digits of every valid NHS number in it replaced by `#`."""
    return WRITTEN.sub(
        lambda m: re.sub(r"\d", "#", m[0]) if is_nhs_number(SEPARATORS.sub("", m[0])) else m[0],
        text,
    )


def subject_key(text: str) -> bytes:
    """A pseudonym given as 32 hexadecimal digits, as marts show it. Raises UsageError where it is none."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != SUBJECT_BYTES:
        raise UsageError("not a subject key", why="it must have 32 hexadecimal digits, as `person_id` in the marts")
    return key


def pseudonyms(number: str, keys: Keys) -> list[bytes]:
    """The pseudonym of an NHS number under the present key and every retired one."""
    return [_hmac(key, number.encode()) for key in (keys.pseudonym, *keys.retired)]


def tombstone(value: bytes, keys: Keys) -> bytes:
    """What stands for an erased pseudonym or record key: recognisable with the key, and leading nowhere."""
    return _hmac(keys.erasure, value)


def numbers_of(text: str, subjects: set[bytes], keys: Keys) -> set[str]:
    """The NHS numbers in a text that have one of these pseudonyms."""
    numbers = {SEPARATORS.sub("", found) for found in WRITTEN.findall(text)}
    return {n for n in numbers if is_nhs_number(n) and not subjects.isdisjoint(pseudonyms(n, keys))}


def mentioned(text: str, keys: Keys) -> set[bytes]:
    """The tombstones that the people named in a text by NHS number would have."""
    numbers = {SEPARATORS.sub("", found) for found in WRITTEN.findall(text)}
    return {tombstone(key, keys) for n in numbers if is_nhs_number(n) for key in pseudonyms(n, keys)}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()[:SUBJECT_BYTES]
