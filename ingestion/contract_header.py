"""Whether the first line of a table names its columns, judged against what stands below it; likewise the keys of JSON.

Nothing in a table says which line is its header, and a record taken for one would put somebody's values into a draft.
A name differs in kind from what it names: words over dates, amounts or codes. So one cell that is itself such a value,
that stands again in its column, or that has the form of its column, refuses the line; and where no cell is a word that
names, or no column tells the two apart (words over words), a person has to say. No sentence holds what a cell says.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ingestion.identifiers import POSTCODE, REACHABLE
from linkwork.privacy.subjects import is_nhs_number

MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# What no column is called: an amount, a long number, a date, a time, an e-mail address, a postcode.
VALUE = re.compile(
    rf"[+-]?[£$€]?[\d.,\s-]+%?|.*\d{{5}}.*|\d{{1,4}}[-/. ]\d{{1,2}}[-/. ]\d{{1,4}}.*"
    rf"|(?:.*[^0-9a-z])?\d{{1,2}}[:.]\d{{2}}(?:[:.]\d{{2}})?(?: ?[ap]\.?m\.?)?"
    rf"|(?:[a-z]+,? )?\d{{1,2}}(?:st|nd|rd|th)?[-/. ]{MONTH}[-/., ]+\d{{2,4}}.*"
    rf"|(?:[a-z]+,? )?{MONTH}[-/. ]\d{{1,2}},? \d{{4}}.*|.*\S@\S.*|{POSTCODE}",
    re.DOTALL | re.IGNORECASE,
)
# What says that there is no value: no column is called so. An answer may be a name, as No is short for a number.
NOTHING = frozenset({
    "null", "none", "n/a", "na", "nan", "nil", "unknown", "not known", "not stated", "-", "?", "\\n", "#n/a",
})  # fmt: skip
ANSWERS = frozenset({"true", "false", "yes", "no", "male", "female"})
# The last word of many a column's name, and of few values.
NAMING = re.compile(
    r"(?:.*[^a-z])?(?:id|ids|ref|reference|number|identifier|name|surname|forename|status|code|term|date|day|time"
    r"|dob|postcode|type|category|outcome|reason|notes?|on|minutes|total|count|gender|sex|age)"
    r"|.*[a-z][^a-z]+n[or]\.?|date of [a-z ]+",
    re.IGNORECASE,
)
TELLING = 2  # what tells the header from the records: a difference in kind, a word that names; less in a narrow table
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")  # a key of JSON as programs write them
MOST = 0.9

Column = Sequence[str | None]


def doubt(names: Sequence[str], columns: Sequence[Column]) -> str | None:
    """Why a line is no header, or may be none; None where it is one. `columns` has the values below each name."""
    telling = naming = filled = 0
    for number, (name, column) in enumerate(zip(names, columns, strict=True), start=1):
        below = [v.strip() for v in column if v is not None and v.strip() and v.strip().lower() not in NOTHING]
        if not name:
            if below:
                return f"column {number} of it is empty, and something stands below"
            continue
        if why := _is_value(name, below):
            return f"what stands in column {number} of it {why}"
        if below:
            filled += 1
            telling += _shape(name) not in _shapes(below)
            naming += _is_naming(name, below)
    if twice := [str(n) for n, name in enumerate(names, start=1) if name and names.count(name) > 1]:
        return f"the same stands in columns {', '.join(twice)} of it"
    if telling + naming < min(TELLING, filled):
        return "words stand in it and words below, so that nothing tells a name from a value"
    if filled and not naming:
        return "no word in it is one that columns are called by, such as id, date, name or status"
    return None


def doubt_of_keys(records: Sequence[dict[str, Any]]) -> str | None:
    """Why the keys of JSON objects may be values, such as people's numbers; None where they are names.

    An object has the keys that others in its place have; a list of people, written as an object, has new ones in each,
    or leads by each to the same kind of object.
    """
    for depth, objects in _by_place(records, 1):
        counts = Counter(key for one in objects for key in one)
        place = f"at level {depth} of the record"
        if any(not key.strip() or VALUE.fullmatch(key.strip()) for key in counts):
            return f"a key {place} is a value"
        if len(objects) > 1 and max(counts.values()) <= len(objects) / 2:
            return f"no key {place} stands in more than half of the objects that are there"
        if len(objects) > 1 and min(counts.values()) == len(objects) and all(map(PLAIN.fullmatch, counts)):
            continue  # the same in each, and written as programs do
        if any(_is_a_list(one) for one in objects):
            return f"the keys {place} lead to objects that are all alike, as in a list of people"
        if not all(map(PLAIN.fullmatch, counts)) and not any(NAMING.fullmatch(key) for key in counts):
            return f"the keys {place} are words, of which none is one that fields are called by"
    return None


def _is_a_list(one: dict[str, Any]) -> bool:
    kinds = {tuple(sorted(v)) if isinstance(v, dict) else None for v in one.values()}
    return len(one) > 1 and len(kinds) == 1 and None not in kinds


def names_a_person(names: Iterable[str]) -> int | None:
    """The first column, from 1, whose name by its form identifies a person, whatever anybody says of the line."""
    for number, name in enumerate(names, start=1):
        digits = re.sub(r"[ -]", "", name)
        if is_nhs_number(digits) or re.search(REACHABLE, name) or re.fullmatch(POSTCODE, name):
            return number
    return None


def _is_naming(name: str, below: list[str]) -> bool:
    return NAMING.fullmatch(name) is not None or ("_" in name and not any("_" in v for v in below))


def _is_value(name: str, below: list[str]) -> str | None:
    if VALUE.fullmatch(name) or name.lower() in NOTHING:
        return "is a value"
    if name.lower() in {v.lower() for v in below}:
        return "stands again below it"
    shape = _shape(name)
    if shape != "w" and shape in _shapes(below):
        return "has the form of what stands below it"
    return None


def _shapes(values: list[str]) -> set[str]:
    """The forms of nine in ten of the values, the most frequent first; what is left over may be anything."""
    found: set[str] = set()
    counted = 0
    for shape, count in Counter(_shape(v) for v in values).most_common():
        if counted >= MOST * len(values):
            break
        found.add(shape)
        counted += count
    return found


def _shape(text: str) -> str:
    """What kind of text it is: its digits as 9, its words as w however many, a letter by itself as l."""
    if VALUE.fullmatch(text):
        return "value"
    if text.lower() in ANSWERS:
        return "answer"
    if len(text) == 1 and text.isalpha():
        return "l"
    shape = re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "w", text))
    return re.sub(r"w(?:[\W_]*w)*(?:[^\w]*$)?", "w", shape)


def _by_place(records: Sequence[Any], depth: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The objects at each place of the records, and how deep it lies."""
    objects = [one for one in records if isinstance(one, dict) and one]
    if objects:
        yield depth, objects
        for key in dict.fromkeys(key for one in objects for key in one):
            yield from _by_place([one.get(key) for one in objects], depth + 1)
