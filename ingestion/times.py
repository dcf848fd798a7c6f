"""Dates and times as SQL: each form a contract allows, strictly, with its zone and how exact it is.

A local time is of the contract's zone. One that the clocks skip in spring is refused; one that they give twice in
autumn is the later of the two, unless the contract says otherwise. A value that is only exact to the day, month or
year is never shifted by a zone: it stands at midnight UTC of its first day.
"""

from ingestion import fhir_times
from ingestion.properties import FHIR, OFFSET, Precision, Property, precision
from linkwork import engine

OFFSET_TEXT = r"(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$"
COARSE: tuple[Precision, ...] = ("day", "month", "year")


def value(prop: Property, text: str) -> str:
    """The field's date or instant; null where the text has none of its forms."""
    if prop.format == FHIR and prop.logicalType == "date":
        return f"case when {fhir_times.is_day(text)} then {fhir_times.day(text, prop.coarsen)} end"
    if prop.format == FHIR:
        return fhir_times.instant(text)
    found = [_day(prop, text, f) if prop.logicalType == "date" else _instant(prop, text, f) for f in prop.formats]
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def matches(prop: Property, text: str) -> str:
    """True where the text has one of the forms; null where it is null."""
    if prop.format == FHIR:
        return (fhir_times.is_day if prop.logicalType == "date" else fhir_times.is_instant)(text)
    return "(" + " or ".join(f"coalesce({_round_trip(prop, text, f)}, false)" for f in prop.formats) + ")"


def precision_of(prop: Property, text: str) -> str:
    """Which precision the text's form has."""
    whens = []
    for one in prop.formats:
        exact = precision(one)
        if prop.logicalType == "date" and exact not in COARSE:
            exact = "day"
        if prop.unknownTime and exact not in COARSE:
            whens.append(f"when {_round_trip(prop, text, one)} and {_midnight(prop, text, one)} then 'day'")
        whens.append(f"when {_round_trip(prop, text, one)} then {engine.text(exact)}")
    return f"case {' '.join(whens)} end"


def nonexistent(prop: Property, text: str) -> str | None:
    """True where the clocks skipped the local time; None where the contract's zone never does so."""
    # Clocks go forward at night: only then is the way there and back worth its time.
    there_and_back = "(({local} at time zone {zone}) at time zone {zone}) <> {local}"
    return _any_local(prop, text, f"case when hour({{local}}) < 5 then {there_and_back} end")


def ambiguous(prop: Property, text: str) -> str | None:
    """True where the clocks gave the local time twice and the contract refuses such a time."""
    if prop.ambiguousTime != "refuse":
        return None
    return _any_local(prop, text, "((({local} at time zone {zone}) - interval 1 hour) at time zone {zone}) = {local}")


def local_day(prop: Property, instant: str, exact: str | None) -> str:
    """The calendar day in England of a field's value; `exact` is the SQL of its precision, where that varies."""
    if prop.logicalType == "date":
        return instant
    day = f"({instant} at time zone 'Europe/London')::date"
    if exact is None:
        return f"({instant} at time zone 'UTC')::date" if prop.precisions[0] in COARSE else day
    return f"case when {exact} in {COARSE} then ({instant} at time zone 'UTC')::date else {day} end"


def _any_local(prop: Property, text: str, test: str) -> str | None:
    if prop.logicalType != "timestamp" or prop.format == FHIR:
        return None
    zone = engine.text(prop.timezone or "UTC")
    forms = [f for f in prop.formats if not f.endswith(OFFSET) and precision(f) not in COARSE]
    if prop.timezone in (None, "UTC") or not forms:
        return None
    return " or ".join(f"coalesce({test.format(local=_parsed(prop, text, f), zone=zone)}, false)" for f in forms)


def _day(prop: Property, text: str, format_: str) -> str:
    parsed = _parsed(prop, text, format_)
    day = f"date_trunc('{prop.coarsen}', {parsed})" if prop.coarsen else parsed
    return f"case when {_round_trip(prop, text, format_)} then {day}::date end"


def _instant(prop: Property, text: str, format_: str) -> str:
    local, zone = _parsed(prop, text, format_), engine.text(prop.timezone or "UTC")
    if precision(format_) in COARSE:
        at = f"({local} at time zone 'UTC')"
    elif format_.endswith(OFFSET):
        at = f"(({local} - {_offset(text)}) at time zone 'UTC')"
    else:
        at = f"({local} at time zone {zone})"
        if prop.ambiguousTime == "earlier":
            hour_before = f"({at} - interval 1 hour)"
            at = f"case when ({hour_before} at time zone {zone}) = {local} then {hour_before} else {at} end"
    if prop.unknownTime:
        at = f"case when {_midnight(prop, text, format_)} then ({local} at time zone 'UTC') else {at} end"
    return f"case when {_round_trip(prop, text, format_)} then {at} end"


def _midnight(prop: Property, text: str, format_: str) -> str:
    return f"{_parsed(prop, text, format_)}::time = time '00:00:00'"


def _stem(text: str, format_: str) -> tuple[str, str]:
    """The text and format without an offset from UTC at their end."""
    if not format_.endswith(OFFSET):
        return text, format_
    return f"regexp_replace({text}, {engine.text(OFFSET_TEXT)}, '')", format_.removesuffix(OFFSET)


def _parsed(prop: Property, text: str, format_: str) -> str:
    stem, rest = _stem(text, format_)
    return local(prop, stem, rest)


def local(prop: Property, text: str, format_: str) -> str:
    """The local time that a text of a form without offset says; null where it says none."""
    parsed = f"try_strptime({text}, {engine.text(format_)})"
    if "%y" not in format_:
        return parsed
    # DuckDB takes two digits for 1969 to 2068. Where the other century lacks the day, the text does not print back.
    first = int(prop.yearsFrom or 0)
    year = f"{first} + (year({parsed}) - {first} + 1000) % 100"
    return f"({parsed} + to_years(({year} - year({parsed}))::integer))"


def _round_trip(prop: Property, text: str, format_: str) -> str:
    # strptime accepts `2024-1-5` for `%Y-%m-%d`; only what prints back the same is of the stated form.
    stem, rest = _stem(text, format_)
    printed = f"strftime({_parsed(prop, text, format_)}, {engine.text(rest)})"
    # Before and after noon are printed in capitals, and written in either; no month or weekday has these letters.
    written = f"replace(replace({stem}, 'am', 'AM'), 'pm', 'PM')" if "%p" in rest else stem
    same = f"{printed} = {written}"
    return same if stem == text else f"({same} and regexp_matches({text}, {engine.text(OFFSET_TEXT)}))"


def _offset(text: str) -> str:
    part = r"regexp_extract({}, '([+-])(\d\d):?(\d\d)$', {})"
    hours, minutes = (f"coalesce(try_cast({part.format(text, n)} as bigint), 0)" for n in (2, 3))
    sign = f"if({part.format(text, 1)} = '-', -1, 1)"
    return f"to_minutes({sign} * ({hours} * 60 + {minutes}))"
