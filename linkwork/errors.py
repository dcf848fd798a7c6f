"""Errors a person can act on: what happened, where, why, and what to do.

Exit codes are part of the interface (`docs/guides/data-engineer.md`): 0 done, 3 done with refusals beyond the
contract's threshold, 64 wrong use, 65 bad data, 70 internal error, 75 busy or no room to write (try again), 130 and 143
stopped by Ctrl-C and by SIGTERM.
No message ever holds a field value of a person.
"""

import signal
from typing import Any

from linkwork.signals import BY_SIGNAL

EXIT_DONE = 0
EXIT_REFUSALS = 3
EXIT_USAGE = 64
EXIT_BAD_DATA = 65
EXIT_INTERNAL = 70
EXIT_BUSY = 75
EXIT_INTERRUPTED = BY_SIGNAL + signal.SIGINT
EXIT_TERMINATED = BY_SIGNAL + signal.SIGTERM


class LinkworkError(Exception):
    """Base of every expected failure; `exit_code` is what the command line ends with."""

    exit_code = EXIT_INTERNAL

    def __init__(self, what: str, *, where: str = "", why: str = "", do: str = "") -> None:
        self.what, self.where, self.why, self.do = what, where, why, do
        super().__init__(self.text())

    def __reduce__(self) -> "tuple[Any, ...]":
        return _made, (type(self), self.what, self.where, self.why, self.do)

    def text(self) -> str:
        """One line a log can hold: `what (where): why. do`."""
        line = self.what + (f" ({self.where})" if self.where else "")
        line += f": {self.why}" if self.why else ""
        return line + (f". {self.do}" if self.do else "")


def _made(kind: type[LinkworkError], what: str, where: str, why: str, do: str) -> LinkworkError:
    """An error that came from another process, as it was there."""
    return kind(what, where=where, why=why, do=do)


class UsageError(LinkworkError):
    """The command or its options are wrong."""

    exit_code = EXIT_USAGE


class BadDataError(LinkworkError):
    """A file, a contract or a stored table does not hold what it must."""

    exit_code = EXIT_BAD_DATA


class BusyError(LinkworkError):
    """Somebody else holds what this command needs; trying again later is right."""

    exit_code = EXIT_BUSY


class DiskFullError(LinkworkError):
    """There is no room to write; trying again after making room is right."""

    exit_code = EXIT_BUSY


class StoppedError(LinkworkError):
    """A signal ended the command: nothing failed. Its exit code is 128 and the signal's number."""

    def __init__(self, number: int) -> None:
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(
            f"stopped by {name}", do="run the same command again: it completes or discards what was cut off"
        )
        self.exit_code = BY_SIGNAL + number


class OutOfMemoryError(LinkworkError):
    """DuckDB needs more memory than it may have, or more disk than there is for what does not fit."""

    DO = "give DuckDB more memory (LINKWORK_MEMORY_LIMIT) or the disk more room"
