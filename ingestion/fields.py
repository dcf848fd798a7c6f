"""Each field of a contract as SQL: its typed value, and the rules its text can break.

Every value arrives as text and is cast strictly: what does not match its grammar to the letter is refused, never
repaired (`1.7` is not 2, `2024-02-30` is not a date, an NHS number that fails its check digit is not a person).
"""

from dataclasses import dataclass

from ingestion.contract import Contract, Property
from linkwork import engine

SENTENCES = {
    "required": "A required field is empty.",
    "length": "The text is longer than the contract allows.",
    "control_character": "The text holds a control character.",
    "grammar": "The text does not have the form the contract states.",
    "integer": "The text is not a whole number.",
    "decimal": "The text is not a decimal number.",
    "date": "The text is not a date of the stated form.",
    "timestamp": "The text is not a time of the stated form.",
    "nonexistent_time": "The local time was skipped when the clocks went forward.",
    "domain": "The value is not one the contract lists.",
    "nhs_number": "The NHS number fails its check.",
    "test_number": "The NHS number is of the test range, which this installation does not accept.",
    "no_identity": "The record has neither an NHS number nor the sender's own id of the person.",
}

INTEGER = r"[+-]?\d{1,9}"
DECIMAL = r"-?\d{1,6}(\.\d{1,3})?"
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@dataclass(frozen=True)
class Check:
    """A rule a field can break: its name and the SQL that is true where it is broken."""

    rule: str
    field: str
    broken: str


def cleaned(prop: Property, contract: Contract) -> str:
    """The field's text as the rules see it: null where it is one of the contract's null tokens.

    An NHS number loses the spaces and hyphens it is printed with; nothing else is changed.
    """
    tokens = ", ".join(engine.text(t) for t in contract.file.nullTokens)
    column = engine.name(prop.name)
    text = f"replace(replace({column}, ' ', ''), '-', '')" if prop.logicalType == "nhs_number" else column
    return f"case when {column} in ({tokens}) then null else {text} end"


def typed(prop: Property, contract: Contract) -> str:
    """The field's value; null where the text is empty or breaks a rule (the rule then quarantines the record)."""
    text = engine.name(prop.name)
    match prop.logicalType:
        case "integer":
            return f"case when regexp_full_match({text}, {engine.text(INTEGER)}) then try_cast({text} as bigint) end"
        case "decimal":
            grammar = engine.text(DECIMAL)
            return f"case when regexp_full_match({text}, {grammar}) then try_cast({text} as decimal(9, 3)) end"
        case "date":
            day = f"date_trunc('{prop.coarsen}', {_parsed(prop, text)})" if prop.coarsen else _parsed(prop, text)
            return f"case when {_round_trip(prop, text)} then {day}::date end"
        case "timestamp":
            zone = engine.text(prop.timezone)
            return f"case when {_round_trip(prop, text)} then {_parsed(prop, text)} at time zone {zone} end"
        case "list":
            return f"nullif(list_filter({_elements(prop, contract)}, lambda e: e <> ''), [])"
        case "nhs_number":
            return text
        case "staff":
            return (
                f"case when {text} is not null then id_hmac(parts_blob(['staff', getvariable('sender'), {text}])) end"
            )
        case "free_text":
            return "null::varchar"
    if prop.values is None:
        return text
    whens = " ".join(f"when {engine.text(k)} then {_literal(v)}" for k, v in prop.values.items())
    other = text if prop.unmapped == "keep" else "null"
    return f"case {text} {whens} else {other} end"


def in_event(prop: Property) -> str:
    """The field's typed value as an event may hold it: an NHS number only as its person's pseudonym."""
    column = engine.name(prop.name)
    return f"subject_hmac(encode({column}))" if prop.logicalType == "nhs_number" else column


def checks(prop: Property, contract: Contract, *, test_numbers_allowed: bool) -> list[Check]:
    """The rules of one field, in the order in which they are reported."""
    text = engine.name(prop.name)
    found: list[Check] = []

    def rule(name: str, broken: str) -> None:
        found.append(Check(name, prop.name, f"coalesce({broken}, false)"))

    if prop.required:
        rule("required", f"{text} is null")
    if prop.logicalType == "free_text":
        return found
    rule("length", f"length({text}) > {prop.maxLength}")
    rule("control_character", f"regexp_matches({text}, {engine.text(CONTROL)})")
    if prop.grammar and prop.logicalType == "list":
        rule(
            "grammar",
            f"len(list_filter({_elements(prop, contract)}, "
            f"lambda e: e <> '' and not regexp_full_match(e, {engine.text(prop.grammar)}))) > 0",
        )
    elif prop.grammar:
        rule("grammar", f"not regexp_full_match({text}, {engine.text(prop.grammar)})")
    match prop.logicalType:
        case "integer":
            rule("integer", f"not regexp_full_match({text}, {engine.text(INTEGER)})")
        case "decimal":
            rule("decimal", f"not regexp_full_match({text}, {engine.text(DECIMAL)})")
        case "date":
            rule("date", f"{text} is not null and not coalesce({_round_trip(prop, text)}, false)")
        case "timestamp":
            rule("timestamp", f"{text} is not null and not coalesce({_round_trip(prop, text)}, false)")
            zone = engine.text(prop.timezone)
            parsed = _parsed(prop, text)
            if prop.timezone != "UTC":  # clocks go forward at night: only then is the round trip worth its time
                round_trip = f"({parsed} at time zone {zone}) at time zone {zone} <> {parsed}"
                rule("nonexistent_time", f"case when hour({parsed}) < 5 then {round_trip} end")
        case "nhs_number":
            rule("nhs_number", f"not {_check_digit_holds(text)}")
            if not test_numbers_allowed:
                rule("test_number", f"{text} >= '9990000000' and length({text}) = 10")
    if prop.values is not None and prop.unmapped == "refuse":
        keys = ", ".join(engine.text(k) for k in prop.values)
        rule("domain", f"{text} not in ({keys})")
    return found


def _parsed(prop: Property, text: str) -> str:
    return f"try_strptime({text}, {engine.text(prop.format)})"


def _round_trip(prop: Property, text: str) -> str:
    # strptime accepts `2024-1-5` for `%Y-%m-%d`; only what prints back the same is of the stated form.
    return f"strftime({_parsed(prop, text)}, {engine.text(prop.format)}) = {text}"


def _elements(prop: Property, contract: Contract) -> str:
    text = engine.name(prop.name)
    if contract.file.format == "jsonl":  # a JSON array arrives as its JSON text
        return f"string_split(regexp_replace({text}, '[\\[\\]\"\\s]', '', 'g'), ',')"
    return f"string_split({text}, {engine.text(prop.separator)})"


def _check_digit_holds(digits: str) -> str:
    """NHS Data Dictionary: weights 10 to 2, remainder from 11; 11 counts as 0 and 10 is never valid."""
    number = f"try_cast({digits} as bigint)"
    total = " + ".join(f"({number} // {10 ** (10 - i)}) % 10 * {11 - i}" for i in range(1, 10))
    check = f"((11 - ({total}) % 11) % 11)"
    return (
        f"(regexp_full_match({digits}, '\\d{{10}}') and {check} <> 10 and {check} = {number} % 10 "
        # Ten times the same digit passes the arithmetic and is nobody's number.
        f"and {number} % 1111111111 <> 0)"
    )


def _literal(value: str | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else engine.text(value)
