"""How commands speak: tables for people, JSON for machines, errors with what, where, why and what to do.

With `--json` standard output holds one JSON document and nothing else. Progress and errors go to standard error.
"""

import errno
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from linkwork import disk, signals
from linkwork.errors import EXIT_INTERNAL, EXIT_USAGE, LinkworkError, OutOfMemoryError, StoppedError, UsageError
from linkwork.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        "--known-at",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d"],
        help="As the log stood then (UTC where no offset is given).",
    ),
]

# A pipe has no width: a table written to one is as wide as its content, up to what fits a file.
PIPE_WIDTH = 160
NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)  # a folder that this user may not write to, or none
errors = Console(stderr=True, highlight=False)
console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def settings() -> Settings:
    """The settings, or an error that names the wrong one without a trace."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "LINKWORK_" + "_".join(str(p) for p in first["loc"]).upper()
        why = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        errors.print(f"error: a setting is wrong ({name}): {why}", soft_wrap=True)
        raise typer.Exit(EXIT_USAGE) from None


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn an expected failure into a message and its exit code; `--json` gives it as JSON too."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except BaseException as error:
            if (told := _expected(error)) is not None:
                raise _said(told, as_json=bool(kwargs.get("as_json"))) from None
            if not isinstance(error, Exception):
                raise
            # The message of an unexpected error may repeat a value from a file, so only its kind is shown.
            errors.print(f"error: unexpected {type(error).__name__} in {_place(error)}", soft_wrap=True)
            raise typer.Exit(EXIT_INTERNAL) from None

    return wrapped


def _expected(error: BaseException) -> LinkworkError | None:
    """What to tell a person of an error; None where nobody expected it."""
    if (number := signals.behind(error)) is not None:
        return StoppedError(number)
    if isinstance(error, LinkworkError):
        return error
    if no_room := disk.full(error, settings().home):
        return no_room
    if isinstance(error, OSError) and error.errno in NOT_OURS:
        home, place = settings().home, Path(str(error.filename))
        if place.is_relative_to(home):
            why, do = f"{error.strerror} ({place})", "make it a folder of this user's, or set LINKWORK_HOME"
            return UsageError("the home cannot be used", where=str(home), why=why, do=do)
    if type(error).__name__ == "OutOfMemoryException":  # of DuckDB, which not every command loads
        return OutOfMemoryError("DuckDB ran out of memory", where=_place(error), do=OutOfMemoryError.DO)
    return None


def utc(known_at: datetime | None) -> datetime | None:
    """A time of `--known-at` with its zone: UTC where none was given."""
    if known_at is None:
        return None
    return known_at.replace(tzinfo=UTC) if known_at.tzinfo is None else known_at.astimezone(UTC)


def _said(error: LinkworkError, *, as_json: bool) -> typer.Exit:
    if as_json:
        say_json({"error": {"what": error.what, "where": error.where, "why": error.why, "do": error.do}})
    errors.print(f"error: {error.text()}", markup=False, soft_wrap=True)
    return typer.Exit(error.exit_code)


def say_json(content: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(content, default=_plain, indent=2) + "\n")


def say_table(title: str, columns: Iterable[str], content: Iterable[Iterable[Any]]) -> None:
    """A table for people; numbers are right-aligned and grouped."""
    rows = [list(row) for row in content]
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
    for n, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[n], int | float) or row[n] is None for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v:,}" for k, v in value.items())
    # What a file or its name holds is shown, never obeyed: no markup, no control or direction character.
    return escape("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    if hasattr(value, "model_dump"):
        return value.model_dump()
    return str(value)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
