"""The command line: `linkwork …`. Each group of commands is a module; `output.py` says how they speak.

A module is loaded when one of its commands is typed: all of them take a fifth of the start of a command.
"""

import signal
import sys
from functools import cache
from importlib import import_module

import typer

from linkwork import __version__, log_lines, signals
from linkwork.errors import EXIT_USAGE

PARSER_USAGE = 2
# The commands, and groups of them, that each module registers, in the order in which they are listed.
COMMANDS = {
    "region": ("simulate", "demo"),
    "pipeline": ("ingest", "build", "publish", "run", "status"),
    "logs": ("log",),
    "loads": ("load",),
    "quarantine": ("quarantine",),
    "erase": ("erase", "legal-hold"),
    "trace": ("trace",),
    "query": ("sql",),
    "reference": ("reference",),
    "senders": ("sender",),
    "contracts": ("contract",),
    "docs": ("docs",),
    "keys": ("keys",),
}

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


def load(command: str | None = None) -> typer.Typer:
    """The command line with the module of this command; with all of them where it is none of theirs."""
    of_it = [module for module, names in COMMANDS.items() if command in names]
    for module in of_it or COMMANDS:
        _register(module)
    return app


@cache
def _register(module: str) -> None:
    """Once: a command that is registered twice is listed twice."""
    import_module(f"linkwork.cli.{module}").register(app)


def main() -> None:
    """Entry point of the `linkwork` script."""
    try:
        with signals.end(signal.SIGTERM):
            load(next((word for word in sys.argv[1:] if not word.startswith("-")), None))()
    except SystemExit as ended:
        # The parser ends with 2 for a wrong option; wrong use has one exit code here.
        raise SystemExit(EXIT_USAGE if ended.code == PARSER_USAGE else ended.code) from None
