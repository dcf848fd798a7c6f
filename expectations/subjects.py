"""What is checked: a subject (one file, one commit, one released table) and the rules it must keep.

These are plain data, so that the suites read without Great Expectations. The runner turns each rule into an
expectation and each subject's SQL into the table `batch`, which the expectations look at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["failing", "warning"]
"""A broken `failing` rule holds the subject back; a broken `warning` is recorded and shown."""

BATCH = "batch"
"""The table that expectations look at. Its `row_kind` keeps measures of the whole apart from the rows."""


@dataclass(frozen=True)
class Rule:
    """One expectation: its Great Expectations class, its arguments, and what it means in plain words.

    `rows` limits it to rows of `batch` with that `row_kind`. A value in `arguments` may be `parameter(name)`.
    """

    expectation: str
    description: str
    column: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rows: str | None = None
    severity: Severity = "failing"


@dataclass(frozen=True)
class Subject:
    """One thing that gets a verdict. `statements` make the table `batch`; if they fail, nothing passes."""

    key: str
    suite: str
    rules: Sequence[Rule]
    statements: Sequence[str]
    parameters: Mapping[str, float] = field(default_factory=dict)
    feed: str | None = None
    sender: str | None = None
    problem: str | None = None
    """Set where the subject could not even be described, for example when its profile is not valid JSON."""


def parameter(name: str) -> dict[str, str]:
    """A bound that each subject sets for itself."""
    return {"$PARAMETER": name}


def measured(
    column: str,
    description: str,
    *,
    at_least: Any = None,
    at_most: Any = None,
    severity: Severity = "failing",
) -> Rule:
    """A measure of the whole subject lies within bounds; the observed value is the measure."""
    bounds = {"min_value": at_least, "max_value": at_most}
    return Rule(
        "ExpectColumnMaxToBeBetween",
        description,
        column,
        {name: bound for name, bound in bounds.items() if bound is not None},
        severity=severity,
    )


def filled(column: str, description: str, rows: str) -> Rule:
    """No null in a column of the given rows."""
    return Rule("ExpectColumnValuesToNotBeNull", description, column, rows=rows)


def none_where(condition: str, description: str, column: str | None = None) -> Rule:
    """No row of `batch` meets the SQL condition. The query selects a constant, so no value can leave it."""
    query = f"with b as (select * from {{batch}}) select 1 from b where {condition}"
    return Rule("UnexpectedRowsExpectation", description, column, {"unexpected_rows_query": query})


def missing(columns: Iterable[str]) -> str:
    """SQL that is true where any of the columns is null."""
    return " or ".join(f"{column} is null" for column in columns)
