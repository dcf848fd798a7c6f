"""What is searched for: every way in which a file may write down one NHS number or one pseudonym.

An encoding is a regular expression over bytes, made of the spellings of single characters: `9` may stand as
itself, as `\\u0039` in JSON, as `%39` in an address, as `&#57;` in XML. One expression for each needle holds all
its encodings, so that the search reads each byte once for a needle and not once for an encoding.
"""

import base64
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from linkwork.errors import UsageError

NUMBER = "NHS number"
PSEUDONYM = "pseudonym"
NUMBER_DIGITS = 10
KEY_BYTES = 16

# No match is longer, gaps between the digits of a number aside: UTF-16 or an escape makes a character of
# a UUID 6 to 9 bytes.
LONGEST_MATCH = 2048

SHORT_ESCAPES = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x27: "'", 0x2F: "/", 0x5C: "\\"}
# A number is printed in groups: spaces, hyphens, their typographic forms (no-break, thin; dashes), `%20`.
GAP = r"(?:[ -]|\xc2\xa0|\xe2\x80[\x87-\x95\xaf]|%20)*"
WRAP = r"[\r\n]*"  # encoded text is broken into lines at any character
WIDE = r"\x00"  # between two ASCII characters of UTF-16, whichever its byte order


def _bytes(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def _either_case(text: str) -> str:
    return "".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in text)


def _spelled(byte: int, literal: str | None = None) -> str:
    """A byte as itself (or as `literal`) or escaped, in JSON however often quoted, Python, SQL, XML or an address."""
    code = _either_case(f"{byte:02x}")
    forms = [literal or _bytes(bytes([byte])), rf"\\+(?:u00|x){code}", f"%{code}", f"&#(?:0*{byte}|[xX]0*{code});"]
    if byte in SHORT_ESCAPES:
        forms.append(rf"\\+{_bytes(SHORT_ESCAPES[byte].encode())}")
    if byte >= 0x80:  # bytes that were taken for Latin-1 and written as UTF-8, as Delta statistics do
        forms.append(_bytes(chr(byte).encode()))
    return f"(?:{'|'.join(forms)})"


def _text(text: str, between: str = "") -> str:
    return between.join(_spelled(ord(c), _either_case(c)) for c in text)


def _base64(data: bytes) -> str:
    """The characters that depend on `data` alone, for each of the three places where it may begin in a group."""
    forms = []
    for skip in range(3):
        encoded = base64.b64encode(bytes(skip) + data + bytes(2)).decode()
        whole = encoded[-(-skip * 8 // 6) : (skip + len(data)) * 8 // 6]
        safe = {"+": "[+-]", "/": "[/_]"}  # the second of each is the alphabet for addresses
        forms.append(WRAP.join(_spelled(ord(c), safe.get(c)) for c in whole))
    return "|".join(forms)


def _integers(number: str) -> str:
    value = int(number)
    # SQLite keeps the low 6 bytes, most significant first; they end every longer form as well.
    forms = [value.to_bytes(8, "little"), value.to_bytes(6, "big"), struct.pack("<d", value), struct.pack(">d", value)]
    return "|".join(_bytes(form) for form in forms)


def _hexadecimal(key: bytes, between: str = "") -> str:
    """32 hexadecimal digits, with or without the hyphens of a UUID."""
    groups = [key.hex()[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    hyphen = f"{between}(?:-{between})?"
    return hyphen.join(_text(group, between) for group in groups)


NUMBER_ENCODINGS: dict[str, Callable[[str], str]] = {
    "text": lambda n: _text(n, GAP),
    "UTF-16 text": lambda n: "".join((*(f"{d}{WIDE}(?:[ -]{WIDE})*" for d in n[:-1]), n[-1])),
    "base64": lambda n: _base64(n.encode()),
    "hexadecimal": lambda n: _text(n.encode().hex()),
    "binary number": _integers,
}
PSEUDONYM_ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "bytes": lambda k: "".join(_spelled(byte) for byte in k),
    "hexadecimal": _hexadecimal,
    "UTF-16 hexadecimal": lambda k: _hexadecimal(k, WIDE),
    "base64": _base64,
}


@dataclass(frozen=True)
class Needle:
    """One value to be searched for. `encodings` maps the name of an encoding to its expression over bytes."""

    kind: str
    encodings: dict[str, str] = field(repr=False)

    @cached_property
    def expression(self) -> str:
        """Any encoding, as RE2 and Python's `re` both read it."""
        return "|".join(f"(?:{e})" for e in self.encodings.values())

    @cached_property
    def _compiled(self) -> dict[str, re.Pattern[bytes]]:
        return {name: re.compile(e.encode("ascii")) for name, e in self.encodings.items()}

    def encoding_at(self, data: bytes, position: int) -> str:
        """The name of the encoding in which the needle stands at this place of `data`."""
        return next(name for name, pattern in self._compiled.items() if pattern.match(data, position))

    def masked(self, data: bytes) -> bytes:
        """`data` with every occurrence replaced by an ellipsis."""
        for pattern in self._compiled.values():
            data = pattern.sub("…".encode(), data)
        return data


@dataclass(frozen=True)
class Needles:
    """All values to be searched for."""

    each: tuple[Needle, ...]

    @classmethod
    def of(cls, numbers: Iterable[str] = (), subject_keys: Iterable[bytes] = ()) -> "Needles":
        """NHS numbers (10 digits, no gaps) and subject keys (16 bytes). Raises UsageError for other forms or none."""
        needles = []
        for number in dict.fromkeys(numbers):
            if len(number) != NUMBER_DIGITS or not (number.isascii() and number.isdigit()):
                raise UsageError("not an NHS number", why=f"it must be {NUMBER_DIGITS} digits, without spaces")
            needles.append(Needle(NUMBER, {name: encode(number) for name, encode in NUMBER_ENCODINGS.items()}))
        for key in dict.fromkeys(subject_keys):
            if len(key) != KEY_BYTES:
                raise UsageError("not a subject key", why=f"it must be {KEY_BYTES} bytes")
            needles.append(Needle(PSEUDONYM, {name: encode(key) for name, encode in PSEUDONYM_ENCODINGS.items()}))
        if not needles:
            raise UsageError("nothing to search for", do="give an NHS number or a subject key")
        return cls(tuple(needles))

    def masked(self, text: str) -> str:
        """A path or name that may be shown: without any needle."""
        data = text.encode(errors="surrogateescape")
        for needle in self.each:
            data = needle.masked(data)
        return data.decode(errors="replace")
