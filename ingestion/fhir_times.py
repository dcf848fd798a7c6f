"""FHIR's dates and times as SQL, for fields whose contract says `format: fhir`.

https://hl7.org/fhir/R4/datatypes.html: an `instant` has its zone; a `dateTime` may end after the year, the month or the
day, and has a zone where it has a time. A date is never shifted by a zone; a time becomes a date by England's calendar.
"""

from linkwork import engine

_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_INSTANT = rf"{_DAY}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{{1,9}})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"


def instant(text: str) -> str:
    """SQL: the moment, with its zone taken into account; null where the text is none."""
    return f"case when regexp_full_match({text}, {engine.text(_INSTANT)}) then try_cast({text} as timestamptz) end"


def day(text: str, coarsen: str | None = None) -> str:
    """SQL: the day, of a year or month its first; null where the text is none.

    What is to be coarsened to the month must name one: a year alone gives null.
    """
    known = (
        "case when length({0}) = 4 then {1} when length({0}) = 7 then {0} || '-01' when length({0}) = 10 then {0} end"
    )
    first = known.format(text, "null" if coarsen == "month" else f"{text} || '-01-01'")
    stated = f"coalesce(try_cast({first} as date), ({instant(text)} at time zone 'Europe/London')::date)"
    return f"date_trunc('{coarsen}', {stated})::date" if coarsen else stated


def is_instant(text: str) -> str:
    return f"coalesce({instant(text)} is not null, false)"


def is_day(text: str) -> str:
    part = r"\d{4}|\d{4}-(?:0[1-9]|1[0-2])|" + _DAY
    whole = f"regexp_full_match({text}, {engine.text(part)}) and {day(text)} is not null"
    return f"coalesce({whole} or {is_instant(text)}, false)"
