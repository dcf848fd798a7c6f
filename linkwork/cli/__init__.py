"""The command line: `linkwork …`. Each group of commands is a module; `output.py` says how they speak."""

import signal

import typer

from linkwork import __version__, log_lines, signals
from linkwork.cli import (
    contracts,
    docs,
    erase,
    keys,
    loads,
    logs,
    pipeline,
    quarantine,
    query,
    reference,
    region,
    senders,
    trace,
)
from linkwork.errors import EXIT_USAGE

PARSER_USAGE = 2

app = typer.Typer(
    name="linkwork",
    help="An event-sourced data platform for regional social prescribing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit()


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    log_lines.to_standard_error()


for module in (
    region,
    pipeline,
    logs,
    loads,
    quarantine,
    erase,
    trace,
    query,
    reference,
    senders,
    contracts,
    docs,
    keys,
):
    module.register(app)


def main() -> None:
    """Entry point of the `linkwork` script."""
    try:
        with signals.end(signal.SIGTERM):
            app()
    except SystemExit as ended:
        # The parser ends with 2 for a wrong option; wrong use has one exit code here.
        raise SystemExit(EXIT_USAGE if ended.code == PARSER_USAGE else ended.code) from None
