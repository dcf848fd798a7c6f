"""What each figure of the reporting marts means: one YAML file a mart in `linkwork/release/measures`.

Made from them are `docs/measures.md`, and the labels that a release carries for a dashboard. What can be read from the
mart's dbt file is compared with it (`faults`), so that neither says what the other does not.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from linkwork.errors import BadDataError
from linkwork.release.marts import MartMeta

FOLDER = Path(__file__).parent / "measures"
NUMERIC = re.compile(r"^(tiny|small|big|huge)?int(eger)?\b|^(double|float|real|decimal|numeric)\b", re.IGNORECASE)
NAMED = re.compile(r"`([a-z0-9_]+)`")
RELATIVE = ("proportion", "ratio", "per ")  # how a unit begins that needs a denominator

Class = Literal["people", "count", "rate", "restricted"]
CLASSES: dict[Class, str] = {
    "people": "a number of people: suppressed when small, else rounded",
    "count": "suppressed with the people behind it, else rounded",
    "rate": "computed from rounded parts, and suppressed with them",
    "restricted": "in the restricted tier only",
}
FORM = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, str_min_length=1)


class Interval(BaseModel):
    """The columns of a figure's 95 % interval, and how it is made."""

    model_config = FORM

    lower: str
    upper: str
    method: str


class Measure(BaseModel):
    """One figure. `numerator` is what is counted; `denominator` what it is divided by, if it is.

    A name in backticks is a column of the same mart. `exclusions` come on top of the mart's own.
    """

    model_config = FORM

    column: str
    label: str
    unit: str
    numerator: str
    denominator: str | None = None
    exclusions: str | None = None
    disclosure: Class
    interval: Interval | None = None

    @model_validator(mode="after")
    def _has_a_denominator_where_it_is_relative(self) -> Self:
        if self.denominator is None and (self.disclosure == "rate" or self.unit.startswith(RELATIVE)):
            raise ValueError(f"`{self.column}` is relative to something: it needs `denominator`")
        return self

    @property
    def columns(self) -> list[str]:
        return [self.column, *((self.interval.lower, self.interval.upper) if self.interval else ())]


class Definitions(BaseModel):
    """The figures of one mart. `not_measures` are numbers that count nothing, such as an order."""

    model_config = FORM

    mart: str
    title: str
    of: str = Field(description="what all figures are about: which facts, placed by which day")
    exclusions: str = Field(description="what no figure of the mart counts")
    not_measures: list[str] = []
    measures: list[Measure] = Field(min_length=1)

    @model_validator(mode="after")
    def _defines_each_once(self) -> Self:
        columns = [*self.not_measures, *(column for measure in self.measures for column in measure.columns)]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise ValueError(f"{', '.join(twice)} is there twice")
        return self


class Label(BaseModel):
    """A measure as a release carries it: enough to caption a figure and to say what it is of."""

    model_config = ConfigDict(frozen=True)

    mart: str = Field(description="The reporting mart that holds the figure.")
    measure: str = Field(description="Its column.")
    label: str = Field(description="A caption of a few words.")
    unit: str = Field(description="What it is counted or measured in.")
    numerator: str = Field(description="What is counted; of a rate, above the line.")
    denominator: str | None = Field(description="Of a rate or mean, what it is over; else null.")
    exclusions: str = Field(description="What is left out.")
    disclosure: Class = Field(description="What disclosure control does with it.")
    lower: str | None = Field(description="The column of its interval's lower limit, where it has one.")
    upper: str | None = Field(description="The column of its interval's upper limit, where it has one.")
    method: str | None = Field(description="How the interval is made.")


class Described(NamedTuple):
    """A reporting mart as its dbt file describes it: columns with their types and descriptions, and its metadata."""

    columns: dict[str, str]
    descriptions: dict[str, str]
    meta: MartMeta


def read(folder: Path = FOLDER) -> dict[str, Definitions]:
    """Every mart's definitions, by mart. Raises BadDataError that names the file that is wrong."""
    found: dict[str, Definitions] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = Definitions.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise BadDataError(
                "a definition of measures is wrong",
                where=str(path),
                why=str(error),
                do="see 'Adding a mart' in CONTRIBUTING.md",
            ) from error
        if one.mart != path.stem:
            raise BadDataError(
                "a definition of measures is of another mart",
                where=str(path),
                why=f"it says {one.mart}",
                do="name the file after its mart",
            )
        found[one.mart] = one
    return found


def described(models: Path) -> dict[str, Described]:
    """The reporting marts of the dbt files below a folder, by name."""
    found = {}
    for path in sorted(models.rglob("rpt_*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            columns = model.get("columns", [])
            found[model["name"]] = Described(
                {column["name"]: str(column.get("data_type", "")) for column in columns},
                {column["name"]: str(column.get("description", "")) for column in columns},
                MartMeta.model_validate(model["config"]["meta"]["linkwork"]),
            )
    return found


def numbers(mart: Described) -> list[str]:
    """The numeric columns that are no part of the key."""
    return [c for c, kind in mart.columns.items() if NUMERIC.match(kind) and c not in mart.meta.key]


def disclosure_class(meta: MartMeta, column: str) -> Class:
    """What disclosure control does with a column, as the mart's metadata say it."""
    rules = meta.disclosure
    if rules is None or "open" not in meta.tiers or column in rules.drop:
        return "restricted"
    if column in rules.cells_of_people:
        return "people"
    return "count" if column in rules.counts else "rate"


def faults(marts: dict[str, Described], defined: dict[str, Definitions]) -> list[str]:
    """What is missing or contradicts the dbt files, a sentence each with what to do."""
    found = [f"{name} is defined, but there is no such mart: remove its file" for name in defined if name not in marts]
    for name, mart in marts.items():
        if name in defined:
            found += [f"{name}: {fault}" for fault in _faults(mart, defined[name])]
        elif missing := numbers(mart):
            found.append(
                f"{name} has figures that nobody defined ({', '.join(missing)}): complete the draft that"
                f" `linkwork docs measures --draft {name}` prints as linkwork/release/measures/{name}.yaml,"
                " then run `linkwork docs measures`"
            )
    return found


def _faults(mart: Described, defined: Definitions) -> Iterable[str]:
    if "TODO" in str(defined):
        yield "its definitions still say TODO"
    told = {*defined.not_measures, *(column for measure in defined.measures for column in measure.columns)}
    if missing := [column for column in numbers(mart) if column not in told]:
        yield f"nobody defined {', '.join(missing)}"
    if unknown := sorted(told - set(mart.columns)):
        yield f"there is no column {', '.join(unknown)}"
    for measure in defined.measures:
        said = " ".join(filter(None, (measure.numerator, measure.denominator, measure.exclusions)))
        if unknown := sorted(set(NAMED.findall(said)) - set(mart.columns)):
            yield f"{measure.column} speaks of {', '.join(unknown)}, which is no column"
        if (is_now := disclosure_class(mart.meta, measure.column)) != measure.disclosure:
            yield f"{measure.column} is `{measure.disclosure}` here, and `{is_now}` by the mart's `meta.linkwork`"
        rate = mart.meta.disclosure.rates.get(measure.column) if mart.meta.disclosure else None
        if rate is None:
            continue
        if NAMED.findall(measure.numerator) != [rate.numerator]:
            yield f"the numerator of {measure.column} is `{rate.numerator}` by the mart's `meta.linkwork`"
        if NAMED.findall(measure.denominator or "") != [rate.denominator]:
            yield f"the denominator of {measure.column} is `{rate.denominator}` by the mart's `meta.linkwork`"
        limits = (measure.interval.lower, measure.interval.upper) if measure.interval else (None, None)
        if limits != (rate.lower, rate.upper):
            yield f"the interval of {measure.column} is not that of the mart's `meta.linkwork`"


def labels(defined: dict[str, Definitions], tables: Iterable[tuple[str, Iterable[str]]]) -> list[Label]:
    """The measures of released tables (name, columns), in the order in which they are defined; each once."""
    released: dict[str, set[str]] = {}
    for table, columns in tables:
        released.setdefault(table, set()).update(columns)
    return [
        Label(
            mart=name,
            measure=measure.column,
            label=measure.label,
            unit=measure.unit,
            numerator=measure.numerator,
            denominator=measure.denominator,
            exclusions="; ".join(filter(None, (mart.exclusions, measure.exclusions))),
            disclosure=measure.disclosure,
            lower=measure.interval.lower if measure.interval else None,
            upper=measure.interval.upper if measure.interval else None,
            method=measure.interval.method if measure.interval else None,
        )
        for name, mart in sorted(defined.items())
        for measure in mart.measures
        if measure.column in released.get(name, ())
    ]
