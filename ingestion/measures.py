"""Instruments of measurement: how many items each has, what they and a score may be, in which units a quantity comes.

One YAML file an instrument, in `ingestion/instruments`. The gate reads them as the rules `instrument_…` of a
contract, and the marts score by seeds that are written from the same files (`ingestion/measure_seeds.py`). They hold
numbers and names; never the wording of an item, which belongs to its author.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from linkwork import engine
from linkwork.errors import BadDataError
from linkwork.settings import PROJECT_ROOT

INSTRUMENTS_DIR = PROJECT_ROOT / "ingestion" / "instruments"

Number = Annotated[int | float, Field(allow_inf_nan=False)]
Bands = dict[str, Number]  # each band and the lowest value in it


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Items(_Model):
    """How many answers an instrument has, from 1, and between which whole numbers each lies."""

    count: int = Field(ge=1)
    lowest: int
    highest: int
    optional: list[int] = []  # positions that may stay empty in a complete answer


class Score(_Model):
    """How the answers become one number: by a table of their sum, as their sum, as sent, or not at all."""

    rule: Literal["table", "sum", "sent", "none"]
    whole: bool = False  # of a score as sent; a sum is whole, and what is not whole of a table stands in the table
    lowest: Number | None = None
    highest: Number | None = None
    higherIsBetter: bool | None = None
    caseFrom: Number | None = None  # the lowest score that counts as a case
    reliableChange: Number | None = None  # the least difference of two scores that is more than error of measurement

    @model_validator(mode="after")
    def _has_limits(self) -> "Score":
        given = [one is not None for one in (self.lowest, self.highest, self.higherIsBetter)]
        if any(given) if self.rule == "none" else not all(given):
            raise ValueError("a score has lowest, highest and higherIsBetter; where there is none, it has none of them")
        if self.whole and self.rule != "sent":
            raise ValueError("whole is said of a score as sent; of the others it follows from their rule")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether a score is a whole number, unless the instrument's table has it."""
        return self.whole or self.rule in ("sum", "table")


class Result(_Model):
    """A figure of one item, where items are reported one by one."""

    name: str
    item: int = Field(ge=1)
    higherIsBetter: bool
    bands: Bands = {}


class Unit(_Model):
    """What makes a value of this unit one of the quantity's own: value x factor + addend."""

    factor: Number = 1
    addend: Number = 0


class Quantity(_Model):
    """A measured quantity: its UCUM unit, the limits of what is plausible in it, and the units it may come in."""

    unit: str
    lowest: Number
    highest: Number
    units: dict[str, Unit]


class Instrument(_Model):
    """One instrument: a questionnaire (`score`, mostly `items`) or a quantity."""

    instrument: str = Field(pattern=r"^[A-Za-z0-9-]{1,30}$")
    title: str
    source: str
    licence: str = ""
    items: Items | None = None
    score: Score | None = None
    table: dict[int, Number] = {}
    bands: Bands = {}
    cutPoints: dict[str, Bands] = {}  # the score's bands by the version of their cut points
    results: list[Result] = []
    profile: bool = False  # the answers in order, written as one text
    quantity: Quantity | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Instrument":
        if (self.score is None) == (self.quantity is None):
            raise ValueError("an instrument has a score or a quantity")
        rule = self.score.rule if self.score else "none"
        if rule in ("table", "sum") and self.items is None:
            raise ValueError("a score of items needs items")
        if self.items and self.score and rule in ("table", "sum"):
            limits = (self.items.count * self.items.lowest, self.items.count * self.items.highest)
            if limits != (self.score.lowest, self.score.highest):
                raise ValueError(f"the sum of its items lies in {limits}, not in the score's limits")
            if rule == "table" and sorted(self.table) != list(range(limits[0], limits[1] + 1)):
                raise ValueError("the table misses a sum, or has one too many")
        if any(self.items is None or result.item > self.items.count for result in self.results):
            raise ValueError("a result is of an item that the instrument has not")
        for bands in (self.bands, *self.cutPoints.values(), *(r.bands for r in self.results)):
            if list(bands.values()) != sorted(set(bands.values())):
                raise ValueError("bands rise")
        return self

    @property
    def key(self) -> str:
        return self.instrument.lower()


@cache
def instruments(folder: Path = INSTRUMENTS_DIR) -> tuple[Instrument, ...]:
    """Every instrument, by name. Raises BadDataError naming the file that is wrong."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = Instrument.model_validate(yaml.load(path.read_text(), Loader=yaml.CSafeLoader))
        except (ValidationError, yaml.YAMLError) as error:
            raise BadDataError("an instrument is wrong", where=str(path), why=_short(error)) from error
        if one.key in found:
            raise BadDataError("two files describe one instrument", where=str(path), why=one.instrument)
        found[one.key] = one
    return tuple(found[key] for key in sorted(found))


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".removeprefix(": ")
    return str(error)


# --- the gate's rules ------------------------------------------------------------------------------
# A rule's name and the fields it takes, the instrument first.
CHECKS = {
    "instrument_items": ("instrument", "items"),
    "instrument_all_items": ("instrument", "items"),
    "instrument_score": ("instrument", "score"),
    "instrument_unit": ("instrument", "value", "unit"),
    "instrument_value": ("instrument", "value", "unit"),
}


def condition(check: str, columns: list[str]) -> str:
    """SQL that is true unless a record breaks the limits of its instrument; one that is not known here has none."""
    instrument, *rest = (engine.name(column) for column in columns)
    whens = [f"when {engine.text(one.key)} then {sql}" for one in instruments() if (sql := _limits(check, one, rest))]
    return f"coalesce(case lower({instrument}) {' '.join(whens)} else true end, true)"


def _limits(check: str, one: Instrument, columns: list[str]) -> str | None:
    match check:
        case "instrument_items":
            return _items(one, columns[0])
        case "instrument_all_items":
            return f"(len({columns[0]}) = {one.items.count})" if one.items else None
        case "instrument_score":
            return _score(one, columns[0])
        case "instrument_unit":
            return _unit(one, columns[0], columns[1])
    return _value(one, columns[0], columns[1])


def _items(one: Instrument, items: str) -> str | None:
    """Too few answers are incomplete, which is no fault; too many, or one that does not exist, are."""
    if one.items is None:
        return None
    outside = f"not coalesce(try_cast(e as integer) between {one.items.lowest} and {one.items.highest}, false)"
    wrong = f"len(list_filter({items}, lambda e: e is not null and {outside}))"
    return f"(len({items}) <= {one.items.count} and {wrong} = 0)"


def _score(one: Instrument, score: str) -> str | None:
    if one.score is None or one.score.rule == "none":
        return None
    limits = f"{score} between {one.score.lowest} and {one.score.highest}"
    if not one.score.is_whole:
        return f"({limits})"
    listed = "".join(f" or {score} = {value}" for value in one.table.values() if value != int(value))
    return f"({limits} and ({score} = floor({score}){listed}))"


def _unit(one: Instrument, value: str, unit: str) -> str | None:
    if one.quantity is None:
        return None
    units = ", ".join(engine.text(u) for u in one.quantity.units)
    return f"({value} is null or coalesce({unit} in ({units}), false))"


def _value(one: Instrument, value: str, unit: str) -> str | None:
    if one.quantity is None:
        return None
    whens = " ".join(
        f"when {engine.text(name)} then {value} * {how.factor} + {how.addend}"
        for name, how in one.quantity.units.items()
    )
    return f"(case {unit} {whens} end between {one.quantity.lowest} and {one.quantity.highest})"
