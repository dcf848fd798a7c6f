"""What a column most likely holds, from its header and first values: for a draft that a person then decides on.

Everything that could be about a person is guessed to be zone 1. No value gets into what is returned but the listed
values of a column of few that identify nobody.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingestion.contract_lint import BIRTH, DOB, TELLING, THINGS, words_of
from ingestion.contract_text import UNDECIDED
from ingestion.fields import SCIENTIFIC, THOUSANDS
from ingestion.identifiers import POSTCODE, REACHABLE
from ingestion.properties import RESERVED
from linkwork.privacy.subjects import is_nhs_number

NULLS = {"NULL", "null", "N/A", "n/a", "NA", "-", "None", "\\N", "#N/A"}
DATES = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%Y%m%d", "%d.%m.%Y",
    "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%y-%m-%d", "%d %b %y", "%d-%b-%y", "%d %B %y", "%d.%m.%y",
)  # fmt: skip
TWELVE = tuple(f"{hour}:%M{second}{gap}%p" for hour in ("%I", "%-I") for second in ("", ":%S") for gap in (" ", ""))
CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", *TWELVE)
MIDNIGHT = re.compile(r"\b(?:00:00(?::00)?|12:00(?::00)? ?[Aa][Mm])$")
TRUTHS: tuple[dict[str, bool], ...] = (
    {"TRUE": True, "FALSE": False}, {"True": True, "False": False}, {"true": True, "false": False},
    {"Yes": True, "No": False}, {"YES": True, "NO": False}, {"Y": True, "N": False},
)  # fmt: skip
PERSON = {"patient", "client", "person", "citizen", "member", "participant", "beneficiary", "user"}
STAFF = {
    "clinician", "worker", "staff", "referrer", "practitioner", "gp", "doctor", "nurse", "navigator", "allocated",
    "assigned", "by", "caseworker", "linkworker", "host", "tutor", "leader", "facilitator", "coach", "instructor",
    "volunteer", "coordinator", "manager", "author",
}  # fmt: skip
REFERENCE = {"id", "ref", "reference", "number", "no", "num", "code", "key", "identifier"}
CODED = {
    "status", "type", "category", "mode", "reason", "stage", "outcome", "route", "source", "setting", "channel",
    "method", "role", "kind", "service", "activity", "priority", "urgency", "delivery", "contact", "referral",
}  # fmt: skip
CHANGED = {
    "extract", "extracted", "export", "exported", "updated", "modified", "changed", "recorded", "saved", "edited",
    "amended", "entered", "synced", "asof",
}  # fmt: skip
PRACTICE = re.compile(r"[A-Z][0-9]{5}")
CENTURY = 2000  # what is no birth happens in this century
PIVOT = 69  # two digits from here on are hardly a year of it
UNKNOWN_TIME = "00:00:00 is taken for an unknown time of day"
LISTED = 25  # a column of more different values is no vocabulary


@dataclass
class Guess:
    """A property as a contract would have it, and what of it a person should look at."""

    prop: dict[str, Any]
    checks: list[str] = field(default_factory=list)
    decide: list[str] = field(default_factory=list)
    unique: bool = False
    words: frozenset[str] = frozenset()
    person: str | None = None  # nhs_number or local
    practice: bool = False


def name_of(header: str, taken: set[str]) -> str:
    """A property's name for a header: lower case with underscores, used once and no word of the gate's own."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", DOB.sub("_dob_", header.removeprefix("$.")))
    spaced = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:58] or "column"
    plain = plain if plain[0].isalpha() else f"f_{plain}"
    number, name = 2, plain
    while name in taken or name in RESERVED:
        name, number = f"{plain}_{number}", number + 1
    taken.add(name)
    return name


def guess(header: str, values: list[str | None], taken: set[str]) -> Guess:
    """What one column most likely is."""
    name, words = name_of(header, taken), words_of(header)
    said = [v for v in values if v is not None and v.strip() and v.strip() not in NULLS]
    found = Guess({"name": name} | ({} if header == name else {"source": header}), words=words)
    tokens = sorted({v.strip() for v in values if v is not None and v.strip() in NULLS})
    if any(v != v.strip() for v in said):
        found.prop["convert"] = ["trim"]
        said = [v.strip() for v in said]
        found.checks.append("spaces around its values are trimmed")
    if not said:
        found.prop |= {"logicalType": "free_text", "zone": 1}
        found.checks.append("it is empty in the sample, so it is dropped until somebody says what it holds")
        return found
    if tokens:
        found.prop["nullTokens"] = tokens
        found.checks.append(f"{', '.join(tokens)} is taken for empty")
    found.unique = len(set(said)) == len(values)
    for one in (_person, _time, _number, _staff, _vocabulary, _code, _prose):
        if one(found, said):
            break
    if len(said) == len(values) and found.prop.get("logicalType") not in ("free_text", "nhs_number"):
        found.prop["required"] = True
    return found


def _all(values: list[str], test: Callable[[str], Any]) -> bool:
    return all(test(v) for v in values)


def _person(found: Guess, said: list[str]) -> bool:
    digits = [re.sub(r"[ -]", "", v) for v in said]
    valid = sum(is_nhs_number(d) for d in digits)
    if valid >= 0.9 * len(said) or ({"nhs"} & found.words and valid >= 0.5 * len(said)):
        found.prop |= {"logicalType": "nhs_number", "zone": 1}
        found.person = "nhs_number"
        found.checks.append("its values are NHS numbers")
        return True
    born = BIRTH & found.words
    if born and (formats := _date_formats(said)):
        found.prop |= {"logicalType": "date", "format": formats[0], "coarsen": "month", "zone": 1}
        found.checks.append("it is a date of birth, of which the month is kept")
        if "%y" in formats[0]:
            _open_century(found)
        if len(formats) > 1:
            found.checks.append(f"its dates fit {' and '.join(formats)}")
        return True
    named = "name" in found.words and not THINGS & found.words
    postcodes = sum(bool(re.fullmatch(POSTCODE, v)) for v in said) > len(said) / 2
    reachable = any(re.search(REACHABLE, v) for v in said)
    if born or named or postcodes or reachable or TELLING & found.words:
        found.prop |= {"logicalType": "free_text", "zone": 1}
        found.checks.append("it looks identifying or free text, so it is dropped at the gate")
        return True
    if PERSON & found.words:
        if REFERENCE & found.words:
            found.prop |= {"zone": 1, "grammar": _grammar(said)}
            found.person = "local"
            found.checks.append("it looks like the sender's own id of a person")
        else:
            found.prop |= {"logicalType": "free_text", "zone": 1}
            found.checks.append("it seems to speak of a person, so it is dropped at the gate")
        return True
    return False


def _staff(found: Guess, said: list[str]) -> bool:
    if not STAFF & found.words or CODED & found.words:
        return False
    if found.words & {"practice", "surgery"} or _all(said, PRACTICE.fullmatch):
        return False
    found.prop |= {"logicalType": "staff", "zone": 1}
    found.checks.append("it seems to name a professional, so it becomes a pseudonym")
    return True


def _time(found: Guess, said: list[str]) -> bool:
    if _all(said, re.compile(r"[0-9]{5}").fullmatch) and {"date", "day"} & found.words:
        found.checks.append("its dates are a spreadsheet's day numbers: ask for them as text")
    # An id may be digits that make a day; with separators it is one, whatever its column is called ("Ref'd on").
    days = [] if REFERENCE & found.words and _all(said, str.isdecimal) else _date_formats(said)
    if days:
        found.prop |= {"logicalType": "date", "format": days[0]}
        _century(found, said, days[0])
        if len(days) > 1:
            found.checks.append(f"its dates fit {' and '.join(days)}")
        return True
    for between in (" ", "T"):
        for end in ("", "Z", "%z"):
            for day in DATES:
                for clock in CLOCKS:
                    form = f"{day}{between}{clock}{end}"
                    if _all(said, lambda v, form=form: _fits(v, form)):  # type: ignore[misc]
                        _clock(found, said, form, end)
                        return True
    return False


def _clock(found: Guess, said: list[str], form: str, end: str) -> None:
    # DuckDB's %g are the three digits of a fraction, %f its six.
    form = form.replace("%f", "%g") if "%f" in form and re.search(r"\.\d{3}(\D|$)", said[0]) else form
    found.prop |= {"logicalType": "timestamp", "format": form}
    _century(found, said, form)
    if end != "%z":
        found.prop["timezone"] = "UTC" if end == "Z" else "Europe/London"
        if not end:
            found.checks.append("its times say no zone: they are taken for local time of England")
    if any(MIDNIGHT.search(v) for v in said) and not end:
        found.prop["unknownTime"] = "midnight"
        found.checks.append(UNKNOWN_TIME)


def _date_formats(said: list[str]) -> list[str]:
    return [form for form in DATES if _all(said, lambda v, form=form: _fits(v, form))]  # type: ignore[misc]


def _century(found: Guess, said: list[str], form: str) -> None:
    if "%y" not in form:
        return
    if any(datetime.strptime(v, form.replace("%-", "%")).year % 100 >= PIVOT for v in said):
        _open_century(found)
    else:
        found.prop["yearsFrom"] = CENTURY
        found.checks.append(f"its years have two digits: they are taken for {CENTURY} to {CENTURY + 99}")


def _open_century(found: Guess) -> None:
    found.prop["yearsFrom"] = UNDECIDED
    found.decide.append("yearsFrom, the first of the hundred years that its two digits can mean")


def _fits(value: str, form: str) -> bool:
    try:
        read = datetime.strptime(value, form.replace("%-", "%"))
    except ValueError:
        return False
    printed = read.strftime(form)[: len(value)]
    return (
        form.endswith("%z") or printed == value or "%f" in form or ("%p" in form and printed.lower() == value.lower())
    )


def _number(found: Guess, said: list[str]) -> bool:
    if REFERENCE & found.words or CODED & found.words:
        return False
    plain = [v.replace("£", "").strip() for v in said]
    pound = any("£" in v for v in said)
    thousands = any(re.fullmatch(THOUSANDS, v) for v in plain)
    plain = [v.replace(",", "") if re.fullmatch(THOUSANDS, v) else v for v in plain]
    # A leading zero is part of a code, and so is a long run of digits.
    if _all(plain, re.compile(r"-?(0|[1-9][0-9]{0,8})").fullmatch):
        found.prop["logicalType"] = "integer"
    elif _all(plain, re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,3})?").fullmatch):
        found.prop["logicalType"] = "decimal"
    else:
        return False
    if pound or thousands:
        found.prop["convert"] = [*(["pound"] if pound else []), *(["thousands"] if thousands else [])]
        found.checks.append("its separators are taken out before it is read as a number")
    found.checks.append("no unit or range is stated for it")
    return True


def _vocabulary(found: Guess, said: list[str]) -> bool:
    distinct = sorted(set(said))
    for truths in TRUTHS:
        if len(distinct) <= 2 and set(distinct) <= set(truths):
            found.prop |= {"logicalType": "boolean", "values": truths}
            return True
    few = len(distinct) <= LISTED and len(said) >= 10 and len(distinct) <= max(2, len(said) / 5)
    coded = bool(CODED & found.words)
    namelike = sum(bool(re.fullmatch(r"[A-Z][a-z'-]+( [A-Z][a-z'-]+)+", v)) for v in distinct) > len(distinct) / 2
    if _all(distinct, PRACTICE.fullmatch):
        return False
    if not few or (namelike and not coded) or (REFERENCE & found.words and not coded):
        return False
    # Words are a vocabulary; what has digits may be somebody's id, unless the header says that it is a code.
    if any(len(v) > 60 or re.search(r"[0-9]{6}" if coded else r"[0-9]", v) for v in distinct):
        return False
    found.prop["values"] = {v: v for v in distinct}
    found.checks.append("its listed values are those of the sample; say what each means")
    return True


def _code(found: Guess, said: list[str]) -> bool:
    if any(re.fullmatch(SCIENTIFIC, v) for v in said):
        found.checks.append("some values are in scientific notation: precision is lost, ask for the column as text")
        said = [v for v in said if not re.fullmatch(SCIENTIFIC, v)]
    if not said or not _all(said, re.compile(r"[A-Za-z0-9_:./-]{1,64}").fullmatch):
        return False
    found.prop["grammar"] = _grammar(said)
    found.practice = found.prop["grammar"] == "[A-Z][0-9]{5}"
    found.checks.append("its grammar is that of the sample")
    return True


def _prose(found: Guess, said: list[str]) -> bool:
    found.prop |= {"logicalType": "free_text", "zone": 1}
    found.checks.append("it may hold anybody's words, so it is dropped at the gate")
    return True


def _grammar(said: list[str]) -> str:
    if _all(said, PRACTICE.fullmatch):
        return "[A-Z][0-9]{5}"
    lengths = {len(v) for v in said}
    many = f"{{1,{max(20, 2 * max(lengths))}}}"
    if _all(said, str.isdecimal):  # where all are as long, a shorter one lost its leading zeros
        return "[0-9]" + (f"{{{min(lengths)}}}" if len(lengths) == 1 and min(lengths) > 3 else many)
    for one in ("[A-Z0-9]", "[A-Za-z0-9-]", "[A-Za-z0-9_:./-]"):
        if _all(said, re.compile(f"{one}+").fullmatch):
            return one + many
    return "[!-~]" + many
