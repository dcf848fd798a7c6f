"""Runs a suite over its subjects with Great Expectations, in a process of its own.

    python -m expectations.runner landed --staging DIR --quality DIR
    python -m expectations.runner recorded --input recorded.json --output verdicts.json --quality DIR
    python -m expectations.runner released --release DIR --output verdicts.json --quality DIR

Ends with 0 if all passed, 65 if something failed, 70 if something could not be checked, 64 on wrong use.

The only module that imports great_expectations, and only inside functions: the import takes seconds. Results
hold counts, never values. An error's message may quote a value, so only the error's name leaves this module.
"""

import argparse
import gc
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from expectations import dialect, pages
from expectations.deferred import defer
from expectations.outcomes import Checked, Outcome, exit_code, write_rows, write_verdicts
from expectations.subjects import BATCH, Rule, Subject
from expectations.suites import landed, recorded, released
from linkwork.engine import text
from linkwork.errors import EXIT_INTERNAL, EXIT_USAGE

COUNTS_ONLY = {
    "result_format": "BASIC",
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
}
DUCKDB_SETTINGS = (
    "TimeZone = 'UTC'",
    "enable_progress_bar = false",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "enable_external_file_cache = false",  # as in `linkwork.engine`: it keeps every file of a batch
)
SEVERITY = {"failing": "critical", "warning": "warning"}
# For expectations about distributions, of which no suite has one: a third of the import's time, and 75 MiB.
UNUSED = ("altair", "scipy.stats")
ERROR_NAME = re.compile(r"_?duckdb\.(\w+Exception|\w+Error)|\b([A-Z]\w+(?:Error|Exception))\b")


class Checker:
    """One Great Expectations context on one in-memory DuckDB; subjects are checked one after the other.

    What does not fit into `memory` goes to the folder `spill`; without one it fails, as data of people may not lie
    just anywhere.
    """

    def __init__(self, memory: str, threads: int, spill: Path | None) -> None:
        _quieten()
        defer(UNUSED)
        gc.disable()  # what is imported stays; to look through it while it grows takes a fifth of the time
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from great_expectations.render.renderer import ValidationResultsPageRenderer
        from great_expectations.render.view import DefaultJinjaPageView
        from sqlalchemy.pool import StaticPool

        gc.enable()
        logging.disable(logging.CRITICAL)  # its messages quote values; what matters comes back as outcomes
        dialect.register()
        self._gx = gx
        self._context: Any = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = self._context.data_sources.add_sql(
            "linkwork",
            connection_string=dialect.URL,
            create_temp_table=False,
            kwargs={"poolclass": StaticPool},
        )
        # The data source's get_engine() would be another engine, and with it another in-memory database.
        self._engine = source.get_execution_engine().engine
        limits = (
            f"memory_limit = {text(memory)}",
            f"threads = {int(threads)}",
            f"temp_directory = {text(spill or '')}",
        )
        for setting in (*DUCKDB_SETTINGS, *limits):
            self._execute(f"set {setting}")
        self._source = source
        self._renderer = ValidationResultsPageRenderer()
        self._view = DefaultJinjaPageView()
        self._assets: dict[str, Any] = {}

    def check(self, subject: Subject, run_at: datetime) -> tuple[list[Outcome], str | None]:
        """Run every rule; the outcomes, and a page of them unless not even a result could be had."""
        reason = subject.problem or self._make_batch(subject)
        try:
            result = (
                self._asset(subject.suite)
                .get_batch()
                .validate(
                    self._suite(subject),
                    result_format=COUNTS_ONLY,
                    expectation_parameters=dict(subject.parameters),
                )
            )
        except Exception as error:
            name = reason or type(error).__name__
            return [Outcome(rule, False, True, name) for rule in subject.rules], None
        by_rule = {one.expectation_config.meta["rule"]: one for one in result.results}
        outcomes = [_outcome(rule, by_rule.get(n), reason) for n, rule in enumerate(subject.rules)]
        return outcomes, self._page(subject, result, outcomes, run_at)

    def _execute(self, sql: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(sql)

    def _make_batch(self, subject: Subject) -> str | None:
        """Make the table that is looked at; the name of the error if that fails. The last one never stays."""
        self._execute(f"drop table if exists {BATCH}")
        try:
            for statement in subject.statements:
                self._execute(statement)
        except Exception as error:
            return _error_name(str(error)) or type(error).__name__
        return None

    def _asset(self, suite: str) -> Any:
        if suite not in self._assets:
            asset = self._source.add_query_asset(suite, query=f"select * from {BATCH}")
            self._assets[suite] = asset.add_batch_definition_whole_table("whole")
        return self._assets[suite]

    def _suite(self, subject: Subject) -> Any:
        expectations = [self._expectation(number, rule) for number, rule in enumerate(subject.rules)]
        return self._gx.ExpectationSuite(subject.suite, expectations=expectations)

    def _expectation(self, number: int, rule: Rule) -> Any:
        from great_expectations.expectations.row_conditions import Column

        arguments: dict[str, Any] = dict(rule.arguments)
        if rule.column and rule.expectation != "UnexpectedRowsExpectation":
            arguments["column"] = rule.column
        if rule.rows:
            arguments["row_condition"] = Column("row_kind") == rule.rows
        note = "" if rule.severity == "failing" else " (A warning: it holds nothing back.)"
        return getattr(self._gx.expectations, rule.expectation)(
            description=rule.description + note,
            severity=SEVERITY[rule.severity],
            meta={"rule": number},
            **arguments,
        )

    def _page(self, subject: Subject, result: Any, outcomes: Sequence[Outcome], run_at: datetime) -> str:
        """Great Expectations' own page of a result, after everything but counts was taken out of it."""
        for one in result.results:
            _scrub(one, outcomes[one.expectation_config.meta["rule"]])
        result.success = not any(outcome.holds_back for outcome in outcomes)
        # A batch's id alone may read as a time ("…-3229ad": an offset of 32 hours), which the renderer then compares.
        run_id = self._gx.RunIdentifier(run_name=f"checked {subject.key}", run_time=run_at)
        result.meta |= {"run_id": run_id, "validation_time": run_at, "active_batch_definition": None}
        return str(self._view.render(self._renderer.render(result)))


def _quieten() -> None:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    warnings.simplefilter("ignore")


def _outcome(rule: Rule, result: Any, reason: str | None) -> Outcome:
    if result is None:
        return Outcome(rule, False, True, reason or "NoResult")
    message = _exception_message(result.exception_info)
    if message is not None:
        return Outcome(rule, False, True, reason or _error_name(message) or "unknown")
    found = result.result
    observed = found.get("unexpected_count", found.get("observed_value"))
    elements = found.get("element_count")
    return Outcome(
        rule,
        bool(result.success),
        observed=float(observed) if _is_number(observed) else None,
        elements=int(elements) if _is_number(elements) else None,
    )


def _exception_message(info: Any) -> str | None:
    """The message where an expectation raised; `exception_info` is one entry, or one per metric."""
    entries = [info] if "raised_exception" in info else [e for e in info.values() if isinstance(e, dict)]
    raised = [str(e.get("exception_message")) for e in entries if e.get("raised_exception")]
    return " ".join(raised) if raised else None


def _error_name(message: str) -> str | None:
    """The name of DuckDB's error in a message, else of the first error named in it; nothing more."""
    found = ERROR_NAME.search(message)
    return (found[1] or found[2]) if found else None


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)


def _scrub(result: Any, outcome: Outcome) -> None:
    """Leave numbers only in a result, and of an exception only its name, before anything is written."""
    result.result = {key: value for key, value in result.result.items() if _is_number(value)}
    if outcome.could_not_check:
        message = f"This could not be checked ({outcome.reason})."
        result.exception_info = {
            "raised_exception": True,
            "exception_message": message,
            "exception_traceback": message,
        }


def run(boundary: str, subjects: Sequence[Subject], verdicts: Path, quality: Path, checker: Checker) -> int:
    """Check all subjects; write verdicts, result rows and pages; say on stdout what came out."""
    run_at = datetime.now(UTC)
    run_name = f"{run_at:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}"
    checked: list[Checked] = []
    for subject in subjects:
        outcomes, html = checker.check(subject, run_at)
        page = f"{pages.slug(subject.key)}.html" if html else None
        checked.append(Checked(subject, outcomes, page))
        if page and html:
            pages.write(quality, boundary, run_name, page, html)
    write_verdicts(verdicts, boundary, checked)
    write_rows(quality / "results", boundary, run_name, run_at, checked)
    pages.publish(quality, boundary)
    _say(boundary, checked, quality)
    return exit_code(checked)


def _say(boundary: str, checked: Sequence[Checked], quality: Path) -> None:
    passed = sum(one.success for one in checked)
    unchecked = sum(one.could_not_check for one in checked)
    failed = len(checked) - passed - unchecked
    print(f"{boundary}: {len(checked)} checked, {passed} passed, {failed} failed, {unchecked} could not be checked")
    for one in checked:
        missed = [outcome for outcome in one.outcomes if outcome.could_not_check]
        if missed:
            reasons = ", ".join(sorted({str(outcome.reason) for outcome in missed}))
            share = f"{len(missed)} of {len(one.outcomes)} rules"
            print(f"  {one.subject.key}: {share} could not be checked: {reasons}")
        for outcome in one.outcomes:
            if not outcome.success and not outcome.could_not_check:
                seen = "" if outcome.observed is None else f" (observed {outcome.observed:g})"
                print(f"  {one.subject.key}: {outcome.rule.severity}: {outcome.rule.description}{seen}")
    print(f"  pages: {quality / 'data_docs' / boundary / 'index.html'}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m expectations.runner", description="Check data at a boundary.")
    commands = parser.add_subparsers(dest="boundary", required=True, parser_class=_Parser)
    for boundary, given, what in (
        ("landed", "--staging", "the folder of one staged batch; its verdicts.json is written there"),
        ("recorded", "--input", "the description of one commit (JSON)"),
        ("released", "--release", "the folder of a release under construction"),
    ):
        command = commands.add_parser(boundary)
        command.add_argument(given, dest="source", type=Path, required=True, help=what)
        if boundary != "landed":
            command.add_argument("--output", type=Path, required=True, help="where verdicts.json is written")
        command.add_argument("--quality", type=Path, required=True, help="where results and pages are kept")
        command.add_argument("--memory-limit", default="4GB", help="DuckDB's")
        command.add_argument("--threads", type=int, default=2, help="DuckDB's")
        command.add_argument("--spill", type=Path, help="a folder for what memory cannot hold; without one it fails")
    return parser


def _place(error: BaseException) -> str:
    """File and line of the innermost call, which name no data."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return f"{Path(frames[-1][0].f_code.co_filename).name}:{frames[-1][1]}" if frames else "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's description."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if not given.source.exists():
        parser.error(f"{given.source} does not exist")
    suite = {"landed": landed, "recorded": recorded, "released": released}[given.boundary]
    output = given.source / "verdicts.json" if given.boundary == "landed" else given.output
    try:
        checker = Checker(given.memory_limit, given.threads, given.spill)
        return run(given.boundary, list(suite.subjects(given.source)), output, given.quality, checker)
    except Exception as error:
        print(
            f"{given.boundary}: stopped by {type(error).__name__} at {_place(error)}; "
            "the message may quote data and is not shown",
            file=sys.stderr,
        )
        return EXIT_INTERNAL


if __name__ == "__main__":
    sys.exit(main())
