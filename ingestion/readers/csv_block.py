"""A block of a CSV file in which every record is regular, read at once: the quick way through most of every file.

Where anything is not plainly regular `read` gives None, and the caller reads that part record by record, which is slow
and exact. So nothing here refuses or repairs: it either gives what the record reader would give, or nothing.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow

LF, CR = 10, 13


@dataclass(frozen=True)
class Dialect:
    """How the file is written, and its columns in the order of its header."""

    delimiter: str
    quote: str
    width: int
    max_line_length: int
    max_record_lines: int


@dataclass(frozen=True)
class Block:
    """Whole records: their columns as text, and first and last physical line of each, counted from 0 in the block."""

    columns: pa.Table
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    size: int
    lines: int
    carriage_returns: int  # lines that end with one before the line feed


def read(data: bytes, dialect: Dialect, *, last: bool) -> Block | None:
    """Read the whole records at the start of `data`, which starts with one. `last` says that the file ends with it."""
    newlines = _positions(data, LF)
    if last and not data.endswith(b"\n"):
        newlines = np.append(newlines, len(data))  # the last line needs no end
    quotes = _positions(data, ord(dialect.quote))
    ends = newlines if not len(quotes) else newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    if not len(ends):
        return None
    size = min(int(ends[-1]) + 1, len(data))
    lines = np.searchsorted(newlines, ends)  # of each record, the number of its last line
    starts = np.concatenate(([0], lines[:-1] + 1))
    whole = data[:size]
    lengths = np.diff(newlines[: lines[-1] + 1], prepend=-1)
    if (
        lengths.max() > dialect.max_line_length
        or (lines - starts).max() >= dialect.max_record_lines
        or not _quotes_are_regular(whole, quotes[quotes < size], dialect)
        or whole.count(b"\r") != (carriage_returns := whole.count(b"\r\n"))
    ):
        return None
    columns = _columns(whole.replace(b"\r\n", b"\n"), dialect)
    if columns is None or columns.num_rows != len(ends) or _holds_a_blank(columns, np.diff(ends, prepend=-1), dialect):
        return None
    return Block(columns, starts, lines, size, int(lines[-1]) + 1, carriage_returns)


def _columns(data: bytes, dialect: Dialect) -> pa.Table | None:
    names = [str(n) for n in range(dialect.width)]
    try:
        return arrow.read_csv(
            pa.BufferReader(data),
            read_options=arrow.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            parse_options=arrow.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote,
                double_quote=True,
                escape_char=False,
                newlines_in_values=True,
                ignore_empty_lines=False,
            ),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:  # another number of fields, or not UTF-8
        return None


def _positions(data: bytes, byte: int) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte)


def _quotes_are_regular(data: bytes, quotes: npt.NDArray[np.int64], dialect: Dialect) -> bool:
    """Whether every quote opens a field, closes one, or is one of two that stand for one."""
    if not len(quotes):
        return True
    text = np.frombuffer(b"\n" + data + b"\n", np.uint8)  # what stands at i is preceded by text[i]
    before, after = text[quotes], text[quotes + 2]
    opening, closing = before[0::2], after[1::2]
    apart = np.isin(opening, (ord(dialect.delimiter), LF))
    apart[1:] |= quotes[2::2] == quotes[1:-1:2] + 1
    ended = np.isin(closing, (ord(dialect.delimiter), LF, CR))
    ended[: len(quotes[2::2])] |= quotes[2::2] == quotes[1 : 2 * len(quotes[2::2]) : 2] + 1
    return len(quotes) % 2 == 0 and bool(apart.all()) and bool(ended.all())


def _holds_a_blank(columns: pa.Table, lengths: npt.NDArray[np.int64], dialect: Dialect) -> bool:
    """Whether a record holds nothing: then it has to be counted as blank. Only a short one can."""
    short = np.flatnonzero(lengths <= 3 * dialect.width + 1)  # delimiters, quotes of empty fields, the line end
    if not len(short):
        return False
    candidates = columns.take(short)
    blank = reduce(pc.and_, (pc.equal(column, "") for column in candidates.itercolumns()))
    return bool(pc.any(blank).as_py())
