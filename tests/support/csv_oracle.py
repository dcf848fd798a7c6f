"""What the CSV reader must make of a file, said slowly: one record after the other, by Python's own csv module."""

import csv
from dataclasses import dataclass, field


@dataclass
class Expected:
    """The records (first and last line, fields), the refused lines with their rules, and how many were blank."""

    taken: list[tuple[int, int, list[str]]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    blank: int = 0

    @property
    def records(self) -> int:
        return len(self.taken) + len(self.refused) + self.blank


def physical_lines(content: bytes) -> list[bytes]:
    """Lines end with LF or CRLF; each is given with an LF, the last as it is."""
    whole = content.replace(b"\r\n", b"\n").split(b"\n")
    return [line + b"\n" for line in whole[:-1]] + ([whole[-1]] if whole[-1] else [])


def expected(content: bytes, width: int, most_lines: int) -> Expected:
    """Every record after the header line. A record whose quotes do not match is its first line, refused."""
    lines, found = physical_lines(content), Expected()
    at = 1
    while at < len(lines):
        taken, fields = _record(lines[at : at + most_lines])
        raw = lines[at : at + taken]
        if fields is None:
            found.refused.append((at + 1, "quote"))
        elif any(not _is_utf8(line) for line in raw):
            found.refused.append((at + 1, "encoding"))
        elif not any(fields):
            found.blank += 1
        elif len(fields) != width:
            found.refused.append((at + 1, "field_count"))
        else:
            found.taken.append((at + 1, at + taken, fields))
        at += taken
    return found


def _record(lines: list[bytes]) -> tuple[int, list[str] | None]:
    """How many lines the record that begins here takes, and its fields; None where it is no record."""
    for taken in range(1, len(lines) + 1):
        texts = [line.decode("utf-8", "replace") for line in lines[:taken]]
        reader = csv.reader(texts, strict=True)
        try:
            fields = next(reader)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                continue  # the quote is open: the next line belongs to it
            return 1, None
        return taken, fields
    return 1, None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
