"""What came out: an outcome per rule and subject, kept as rows (Parquet) and verdicts (JSON). Counts only."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from expectations.subjects import Rule, Subject
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, EXIT_INTERNAL
from linkwork.files import write_json, write_whole

COLUMNS = {
    "run_at": "timestamp[us]",  # in UTC
    "boundary": "string",
    "subject": "string",  # load_id, batch_id or <tier>/<table>
    "feed": "string",
    "sender": "string",
    "suite": "string",
    "expectation": "string",
    "column": "string",
    "success": "bool",
    "could_not_check": "bool",
    "observed_count": "double",
    "element_count": "int64",
    "description": "string",
    "severity": "string",  # failing or warning
    "reason": "string",  # why it could not be checked
    "page": "string",  # below data_docs/<boundary>/
}
ARGUMENTS_KEPT = ("min_value", "max_value", "column_list")


@dataclass(frozen=True)
class Outcome:
    """One rule on one subject. `observed` is a count, a share or a number of days; never a value of a row."""

    rule: Rule
    success: bool
    could_not_check: bool = False
    reason: str | None = None  # why it could not be checked: the name of an error, without its message
    observed: float | None = None
    elements: int | None = None

    @property
    def holds_back(self) -> bool:
        return not self.success and (self.could_not_check or self.rule.severity == "failing")

    @property
    def warns(self) -> bool:
        return not self.success and not self.holds_back


@dataclass(frozen=True)
class Checked:
    """A subject with its outcomes, and the name of its page below the run's folder if it has one."""

    subject: Subject
    outcomes: Sequence[Outcome]
    page: str | None = None

    @property
    def success(self) -> bool:
        return not any(outcome.holds_back for outcome in self.outcomes)

    @property
    def could_not_check(self) -> bool:
        return any(outcome.could_not_check for outcome in self.outcomes)


def exit_code(checked: Iterable[Checked]) -> int:
    """0 all passed, 65 something failed, 70 something could not be checked (no verdict on the data)."""
    everything = list(checked)
    if any(one.could_not_check for one in everything):
        return EXIT_INTERNAL
    return EXIT_DONE if all(one.success for one in everything) else EXIT_BAD_DATA


def write_verdicts(path: Path, boundary: str, checked: Iterable[Checked]) -> None:
    """Write `verdicts.json`: per subject whether it passes, what failed and what only warns."""
    verdicts = {
        one.subject.key: {
            "success": one.success,
            "could_not_check": one.could_not_check,
            "failed": [_finding(one.subject, o) for o in one.outcomes if o.holds_back],
            "warnings": [_finding(one.subject, o) for o in one.outcomes if o.warns],
        }
        for one in checked
    }
    write_json(path, {"boundary": boundary, "verdicts": verdicts})


def _finding(subject: Subject, outcome: Outcome) -> dict[str, Any]:
    return {
        "expectation": outcome.rule.expectation,
        "description": outcome.rule.description,
        "column": outcome.rule.column,
        "observed": outcome.observed,
        "kwargs": {k: v for k, v in arguments_of(subject, outcome.rule).items() if k in ARGUMENTS_KEPT},
        "could_not_check": outcome.could_not_check,
        "reason": outcome.reason,
    }


def arguments_of(subject: Subject, rule: Rule) -> dict[str, Any]:
    """A rule's arguments with the subject's own bounds filled in; None for a bound that it could not give."""
    return {
        key: subject.parameters.get(value["$PARAMETER"]) if isinstance(value, dict) else value
        for key, value in rule.arguments.items()
    }


def write_rows(folder: Path, boundary: str, run: str, run_at: datetime, checked: Iterable[Checked]) -> Path:
    """Write `<boundary>-<run>.parquet`, one row per rule and subject, and return its path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "run_at": run_at,
            "boundary": boundary,
            "subject": one.subject.key,
            "feed": one.subject.feed,
            "sender": one.subject.sender,
            "suite": one.subject.suite,
            "expectation": outcome.rule.expectation,
            "column": outcome.rule.column,
            "success": outcome.success,
            "could_not_check": outcome.could_not_check,
            "observed_count": outcome.observed,
            "element_count": outcome.elements,
            "description": outcome.rule.description,
            "severity": outcome.rule.severity,
            "reason": outcome.reason,
            "page": f"{run}/{one.page}" if one.page else None,
        }
        for one in checked
        for outcome in one.outcomes
    ]
    kinds = {name: pa.type_for_alias(kind) for name, kind in COLUMNS.items()}
    schema = pa.schema(kinds | {"run_at": pa.timestamp("us", tz="UTC")})
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), buffer)
    path = folder / f"{boundary}-{run}.parquet"
    write_whole(path, buffer.getvalue())
    return path
