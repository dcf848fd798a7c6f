"""Each field of a contract as SQL: its typed value, and the rules its text can break.

Every value arrives as text and is cast strictly: what does not match its grammar to the letter is refused, never
repaired (`1.7` is not 2, `2024-02-30` is not a date, an NHS number that fails its check digit is not a person). Only
what the contract declares is converted (`convert: [thousands]` makes `1,234` a number).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ingestion import identifiers, times
from ingestion.contract import Contract
from ingestion.properties import Meaning, Property, Values, matches_whole
from linkwork import engine

SENTENCES = {
    "required": "A required field is empty.",
    "length": "The text is longer than the contract allows.",
    "control_character": "The text holds a control character.",
    "grammar": "The text does not have the form the contract states.",
    "integer": "The text is not a whole number.",
    "decimal": "The text is not a number of at most six digits and three decimals.",
    "date": "The text is not a date of the stated form.",
    "timestamp": "The text is not a time of the stated form.",
    "nonexistent_time": "The local time was skipped when the clocks went forward.",
    "ambiguous_time": "The local time came twice when the clocks went back.",
    "scientific_notation": (
        "The code is in scientific notation: precision lost at source. Ask for an export with the column as text."
    ),
    "spreadsheet_date": "The date is a spreadsheet's day number. Ask for an export with the column as text.",
    "range": "The number lies outside the range the contract states.",
    "domain": "The value is not one the contract lists.",
    "undated_code": "What the code means depends on a date, and that is missing.",
    "identifier_in_text": "The text holds what looks like an NHS number, an e-mail address or a telephone number.",
    "nhs_number": "The NHS number fails its check.",
    "chi_number": "The number is a Scottish CHI number, which is no NHS number of England.",
    "test_number": "The NHS number is of the test range, which this installation does not accept.",
    "no_identity": "The record has neither an NHS number nor the sender's own id of the person.",
}

INTEGER = r"[+-]?\d{1,9}"
DECIMAL = r"-?\d{1,6}(\.\d{1,3}0*)?"  # more decimals would be rounded; noughts at the end say nothing
CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
SCIENTIFIC = r"[0-9]([.,][0-9]+)?[eE][+][0-9]{1,3}"
DAY_NUMBER = r"[1-9][0-9]{4}(\.[0-9]+)?"


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
    tokens = ", ".join(engine.text(t) for t in dict.fromkeys([*contract.file.nullTokens, *prop.nullTokens]))
    column = engine.name(prop.name)
    sent = f"trim({column})" if "trim" in prop.convert else column
    text = f"replace(replace({column}, ' ', ''), '-', '')" if prop.logicalType == "nhs_number" else sent
    return f"case when {sent} in ({tokens}) then null else {_converted(prop, text)} end"


def typed_columns(contract: Contract, known: Mapping[str, str]) -> str:
    """Every field's typed value under its name, and its precision beside it where that differs from value to value.

    `known` has the SQL of fields whose value is made elsewhere.
    """
    columns = [f"{known.get(p.name) or typed(p, contract)} as {engine.name(p.name)}" for p in contract.properties]
    for prop in contract.properties:
        if prop.precision_column:
            exact = times.precision_of(prop, engine.name(prop.name))
            columns.append(f"{exact} as {engine.name(prop.precision_column)}")
    return ", ".join(columns)


def typed(prop: Property, contract: Contract) -> str:
    """The field's value; null where the text is empty or breaks a rule (the rule then quarantines the record)."""
    text = engine.name(prop.name)
    match prop.logicalType:
        case "integer":
            return f"case when regexp_full_match({text}, {engine.text(INTEGER)}) then try_cast({text} as bigint) end"
        case "decimal":
            grammar = engine.text(DECIMAL)
            return f"case when regexp_full_match({text}, {grammar}) then try_cast({text} as decimal(9, 3)) end"
        case "date" | "timestamp":
            return times.value(prop, text)
        case "list":
            if prop.emptyElements == "keep":
                kept = f"list_transform({elements_of(prop, contract)}, lambda e: nullif(e, ''))"
                return f"case when len(list_filter({kept}, lambda e: e is not null)) > 0 then {kept} end"
            return f"nullif(list_filter({elements_of(prop, contract)}, lambda e: e <> ''), [])"
        case "nhs_number":
            return text
        case "staff":
            return (
                f"case when {text} is not null then id_hmac(parts_blob(['staff', getvariable('sender'), {text}])) end"
            )
        case "free_text":
            return "null::varchar"
    if prop.datedValues is not None:
        whens = (f"when {_holds(v, prop, contract)} then {_mapped(v.values, prop)}" for v in prop.datedValues.versions)
        return f"case {' '.join(whens)} {f'else {text} ' if prop.unmapped == 'keep' else ''}end"
    return text if prop.values is None else _mapped(prop.values, prop)


def asserted_at(contract: Contract) -> str:
    """When the source said so: its own time, with the number that orders what is said at one time as microseconds."""
    record = contract.record
    if record.assertedAt == "arrival":
        return "getvariable('received_at')"
    prop, column = contract.field(record.assertedAt), engine.name(record.assertedAt)
    at = f"({column}::timestamp at time zone 'UTC')" if prop.logicalType == "date" else column
    if record.treatAsRevision is None:
        return at
    return f"({at} + to_microseconds(coalesce({engine.name(record.treatAsRevision)}, 0)))"


def in_event(prop: Property) -> str:
    """The field's typed value as an event may hold it: an NHS number only as its person's pseudonym."""
    column = engine.name(prop.name)
    return f"subject_hmac(encode({column}))" if prop.logicalType == "nhs_number" else column


def checks(prop: Property, contract: Contract, *, test_numbers_allowed: bool) -> list[Check]:
    """The rules of one field, in the order in which they are reported."""
    if prop.logicalType == "free_text":
        broken = [("required", f"{engine.name(prop.name)} is null")] if prop.required else []
    else:
        broken = [*_of_text(prop, contract), *_of_type(prop, contract), *_of_domain(prop, contract)]
    if prop.logicalType == "nhs_number" and not test_numbers_allowed:
        text = engine.name(prop.name)
        broken.append(("test_number", f"{text} >= '9990000000' and length({text}) = 10"))
    return [Check(rule, prop.name, f"coalesce({sql}, false)") for rule, sql in broken]


Broken = list[tuple[str, str]]  # a rule and the SQL that is true, or null, where it is broken or cannot be


def _of_text(prop: Property, contract: Contract) -> Broken:
    text = engine.name(prop.name)
    found = [("required", f"{text} is null")] if prop.required else []
    found.append(("length", f"length({text}) > {prop.maxLength}"))
    found.append(("control_character", f"regexp_matches({text}, {engine.text(CONTROL)})"))
    if prop.grammar:
        grammar = engine.text(prop.grammar)
        wrong = f"not regexp_full_match({text}, {grammar})"
        if prop.logicalType == "list":
            elements = elements_of(prop, contract)
            wrong = f"len(list_filter({elements}, lambda e: e <> '' and not regexp_full_match(e, {grammar}))) > 0"
        if prop.logicalType == "list" or any(matches_whole(prop.grammar, "1" * length) for length in range(6, 19)):
            found.append(("scientific_notation", _mangled(text, wrong)))
        found.append(("grammar", wrong))
    if is_prose(prop):
        found.append(("identifier_in_text", identifiers.found_in(text)))
    return found


def _mangled(text: str, wrong: str) -> str:
    # Nearly no text has the plus sign, so that nearly none is looked at twice.
    return f"case when contains({text}, '+') then regexp_full_match({text}, {engine.text(SCIENTIFIC)}) and {wrong} end"


def _of_type(prop: Property, contract: Contract) -> Broken:
    text = engine.name(prop.name)
    match prop.logicalType:
        case "integer" | "decimal":
            ranged: Broken
            grammar, value = (INTEGER if prop.logicalType == "integer" else DECIMAL), typed(prop, contract)
            ranged = [(prop.logicalType, f"not regexp_full_match({text}, {engine.text(grammar)})")]
            bounds = [f"{value} < {prop.minimum}"] if prop.minimum is not None else []
            bounds += [f"{value} > {prop.maximum}"] if prop.maximum is not None else []
            return ranged + ([("range", " or ".join(bounds))] if bounds else [])
        case "date" | "timestamp":
            wrong = f"{text} is not null and not {times.matches(prop, text)}"
            number = f"regexp_full_match({text}, {engine.text(DAY_NUMBER)}) and {wrong}"
            mangled = f"case when substr({text}, 6, 1) in ('', '.') then {number} end"
            found: Broken = [("spreadsheet_date", mangled), (prop.logicalType, wrong)]
            clocks = (("nonexistent_time", times.nonexistent), ("ambiguous_time", times.ambiguous))
            return found + [(rule, sql) for rule, made in clocks if (sql := made(prop, text))]
        case "nhs_number":
            holds = identifiers.check_digit_holds(text)
            return [("nhs_number", f"not {holds}"), ("chi_number", identifiers.is_chi_number(text))]
    return []


def _of_domain(prop: Property, contract: Contract) -> Broken:
    if prop.unmapped != "refuse" or (prop.values is None and prop.datedValues is None):
        return []
    text = engine.name(prop.name)
    unknown = f"not {_in_domain(prop, contract)}"
    codes = [code for one in prop.maps for code in one]
    long = any(code.isdecimal() and len(code) >= 6 for code in codes)
    found = [("scientific_notation", _mangled(text, unknown))] if long else []
    if prop.datedValues is not None:
        found.append(("undated_code", f"{text} is not null and {_dating_day(prop, contract)} is null"))
    return [*found, ("domain", unknown)]


def is_prose(prop: Property) -> bool:
    """Whether the field is text in anybody's words that leaves zone 1: neither coded, nor of a stated grammar."""
    listed = prop.values is not None or prop.datedValues is not None
    coded = prop.grammar is not None or (listed and prop.unmapped != "keep")
    return prop.logicalType == "string" and prop.zone == 2 and not coded


def _converted(prop: Property, text: str) -> str:
    """The text after the conversions that the contract declares."""
    for conversion in ("pound", "thousands", "upper", "lower"):
        if conversion not in prop.convert:
            continue
        if conversion == "pound":
            text = f"regexp_replace({text}, '^([+-]?)£ ?', '\\1')"
        elif conversion == "thousands":
            grammar = engine.text(THOUSANDS)
            text = f"case when regexp_full_match({text}, {grammar}) then replace({text}, ',', '') else {text} end"
        else:
            text = f"{conversion}({text})"
    return text


def _mapped(values: Values, prop: Property) -> str:
    text = engine.name(prop.name)
    whens = " ".join(f"when {engine.text(k)} then {_literal(v)}" for k, v in values.items())
    return f"case {text} {whens} else {text if prop.unmapped == 'keep' else 'null'} end"


def _in_domain(prop: Property, contract: Contract) -> str:
    text = engine.name(prop.name)
    if prop.values is not None:
        return f"{text} in ({', '.join(engine.text(k) for k in prop.values)})"
    listed = [
        f"({_holds(v, prop, contract)} and {text} in ({', '.join(engine.text(k) for k in v.values)}))"
        for v in (prop.datedValues.versions if prop.datedValues else [])
    ]
    return f"({text} is null or {' or '.join(listed)})"


def _holds(version: Meaning, prop: Property, contract: Contract) -> str:
    """Whether a code map holds on the record's day."""
    day = _dating_day(prop, contract)
    bounds = [f"{day} >= date {engine.text(version.first)}"] if version.first else []
    bounds += [f"{day} < date {engine.text(version.until)}"] if version.until else []
    return "(" + (" and ".join(bounds) or f"{day} is not null") + ")"


def _dating_day(prop: Property, contract: Contract) -> str:
    assert prop.datedValues is not None  # noqa: S101 - only called for such a field
    by = contract.field(prop.datedValues.by)
    exact = times.precision_of(by, engine.name(by.name)) if by.precision_column else None
    return times.local_day(by, f"({typed(by, contract)})", exact)


def elements_of(prop: Property, contract: Contract) -> str:
    """SQL of the elements of a list field, as text; what JSON says is null is empty."""
    text = engine.name(prop.name)
    if contract.file.format in (
        "jsonl",
        "fhir",
    ):  # a JSON array arrives as its JSON text; any other value is one element
        array = f"case when starts_with({text}, '[') and json_valid({text}) then {text} end"
        elements = f"coalesce(json_extract_string({array}, '$[*]'), [{text}])"
        return f"case when {text} is not null then list_transform({elements}, lambda e: coalesce(e, '')) end"
    return f"string_split({text}, {engine.text(prop.separator)})"


def _literal(value: str | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else engine.text(value)
