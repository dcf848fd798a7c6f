"""Log lines: counts, names and rules, never a field's value.

structlog is loaded with the first line: it takes a sixth of the time in which a command starts, and most say nothing.
"""

import logging
import sys
import threading
from collections.abc import Callable

_configure: list[Callable[[], None]] = []
_configuring = threading.Lock()


class LogLines:
    """The lines of one part of the platform."""

    def __init__(self, name: str) -> None:
        self._name = name

    def info(self, event: str, **values: object) -> None:
        self._say("info", event, values)

    def warning(self, event: str, **values: object) -> None:
        self._say("warning", event, values)

    def _say(self, level: str, event: str, values: dict[str, object]) -> None:
        import structlog

        with _configuring:
            while _configure:
                _configure.pop()()
        getattr(structlog.get_logger(self._name), level)(event, **values)


def to_standard_error() -> None:
    """Write lines as a command does: warnings alone, unless a person is watching."""
    _configure[:] = [_as_a_command_does]


def _as_a_command_does() -> None:
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if sys.stderr.isatty() else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
