"""The columns of a table with types as the text that a contract expects: which can hold a field, and how it is told."""

import pyarrow as pa

from ingestion import times
from ingestion.properties import OFFSET, Property
from linkwork import engine

# The types of a column that can hold a field of a kind; text can hold every kind.
HOLDS = {
    "integer": "whole numbers",
    "decimal": "whole numbers or decimals",
    "boolean": "booleans",
    "date": "dates",
    "timestamp": "times",
    "list": "lists of text or whole numbers",
}


def can_hold(prop: Property, kind: pa.DataType) -> bool:
    """Whether a column of a type can hold a field without change."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or _is_text(kind):
        return True
    match prop.logicalType:
        case "integer":
            return bool(pa.types.is_integer(kind))
        case "decimal":
            return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.precision <= 38))
        case "boolean":
            return bool(pa.types.is_boolean(kind)) and None not in _booleans(prop)
        case "date":
            return bool(pa.types.is_date(kind))
        case "timestamp":
            return bool(pa.types.is_timestamp(kind))
        case "list":
            listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            return bool(listed and (_is_text(kind.value_type) or pa.types.is_integer(kind.value_type)))
    return False


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _booleans(prop: Property) -> tuple[str | None, str | None]:
    """The words of the contract for true and for false."""
    words = {value: word for word, value in reversed((prop.values or {}).items())}
    return words.get(True), words.get(False)


def plain(values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """A column as DuckDB takes it without change, and which of its values are no UTF-8."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
        # DuckDB's time with a zone counts microseconds; what lies below is judged as a number of its own.
        values = pa.StructArray.from_arrays(
            [values.cast(pa.timestamp("us", values.type.tz), safe=False), values.cast(pa.int64())], ["t", "ns"]
        )
    if pa.types.is_date64(values.type):
        values = values.cast(pa.date32())
    sound = pa.array([False] * len(values))
    if _is_text(values.type):
        try:
            values.validate(full=True)
        except pa.ArrowInvalid:
            binary = values.cast(pa.large_binary()).to_pylist()
            broken = [value is not None and not _decodes(value) for value in binary]
            decoded = [
                None if bad or value is None else value.decode() for value, bad in zip(binary, broken, strict=True)
            ]
            return pa.array(decoded, pa.string()), pa.array(broken)
    return values, sound


def _decodes(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def text(prop: Property, column: str, kind: pa.DataType) -> tuple[str, str]:
    """SQL of the text of a value, and of whether the text says something else than the value."""
    if _is_text(kind):
        return column, "false"
    if pa.types.is_null(kind):
        return "null::varchar", "false"
    if pa.types.is_boolean(kind):
        true, false = _booleans(prop)
        return f"case when {column} then {engine.text(true)} when not {column} then {engine.text(false)} end", "false"
    if pa.types.is_decimal(kind):  # 1.500 is 1.5
        return f"regexp_replace(regexp_replace({column}::varchar, '(\\.\\d*?)0+$', '\\1'), '\\.$', '')", "false"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        separator = engine.text(prop.separator)
        told = f"array_to_string(list_transform({column}, lambda e: e::varchar), {separator})"
        whole = (
            f"len(list_filter({column}, lambda e: e is null or e::varchar = '' or contains(e::varchar, {separator})))"
        )
        return told, f"{whole} > 0"
    if pa.types.is_date(kind):
        told = _told(prop, f"{column}::timestamp", prop.formats)
        return told, f"{column} is not null and {told} is null"
    if pa.types.is_struct(kind) or pa.types.is_timestamp(kind):
        return _time(prop, column, kind)
    return f"{column}::varchar", "false"


def _time(prop: Property, column: str, kind: pa.DataType) -> tuple[str, str]:
    """A time in a form of the property, on the clocks of its zone, as the contract reads it back."""
    below = "false"
    if pa.types.is_struct(kind):
        column, below, kind = f"{column}.t", f"{column}.ns % 1000 <> 0", kind.field("t").type
    local_forms = [f for f in prop.formats if not f.endswith(OFFSET)]
    zone = engine.text(prop.timezone or "UTC")
    if kind.tz is None:  # the sender's clocks, as they would stand in text
        told = _told(prop, f"{column}::timestamp", local_forms)
        return told, f"{column} is not null and ({below} or {told} is null)"
    local = f"({column} at time zone {zone})"
    back = f"({local} at time zone {zone})"
    if prop.ambiguousTime == "earlier":
        back = f"if((({back} - interval 1 hour) at time zone {zone}) = {local}, {back} - interval 1 hour, {back})"
    # Of a local time that comes twice the contract reads the one; where it refuses both, it is the gate that does so.
    other = "false" if prop.ambiguousTime == "refuse" else f"{back} <> {column}"
    told = f"case when not ({other}) then {_told(prop, local, local_forms)} end"
    with_offset = [f.removesuffix(OFFSET) for f in prop.formats if f.endswith(OFFSET)]
    if with_offset:
        in_utc = _told(prop, f"({column} at time zone 'UTC')", with_offset)
        told = f"coalesce({in_utc} || 'Z', {told})"
    return told, f"{column} is not null and ({below} or {told} is null)"


def _told(prop: Property, moment: str, forms: list[str]) -> str:
    """A local time in the first of some forms that tells all of it; null where none does."""
    texts = [(f"strftime({moment}, {engine.text(f)})", f) for f in forms]
    whens = " ".join(f"when {times.local(prop, told, form)} = {moment} then {told}" for told, form in texts)
    return f"case {whens} end" if whens else "null::varchar"
