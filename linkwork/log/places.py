"""The number of a record of a file, where several may begin on one line: a cell of a register, an entry of a Bundle.

Such a record is numbered by where it stands, not by the order in which it is read: what a corrected contract reads
more, or less, changes no number. Its number holds its line and its place on the line (from 1; of a cell its column). Of
a file with one record a line the number is that of the record in the file, and its place is null. What could not be
read has the number with a minus sign.
"""

SHIFT = 20  # more places than a line of a file within its limits can have


def number(line: int, place: int) -> int:
    """The number of the record that stands there."""
    return line << SHIFT | place


def place(number: str, line: str) -> str:
    """SQL: a record's place on its line, by columns with its number and line; null where its line is all it has."""
    return f"case when (abs({number}) >> {SHIFT}) = {line} then abs({number}) & {(1 << SHIFT) - 1} end"


def name(load_id: str, line: int, place: int | None) -> str:
    """A record of a load as an operation on it names it."""
    return f"{load_id}:{line}" if place is None else f"{load_id}:{line}:{place}"


def is_named(target: str, load_id: str, line: str, number: str) -> str:
    """SQL: whether an operation's target names a record, or its line as a whole."""
    return f"""({target} = concat({load_id}, ':', {line})
        or {target} = concat({load_id}, ':', {line}, ':', {place(number, line)}))"""
