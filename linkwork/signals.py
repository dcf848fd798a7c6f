"""What a signal does to a command: it ends through every `finally`, and can be told from a failure."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = signal.Handlers | Callable[[int, FrameType | None], object]

BY_SIGNAL = 128  # and the signal's number: the exit code of what a signal has ended, as shells have it


@contextmanager
def end(*numbers: int) -> Iterator[None]:
    """Within the block these signals end this process as Ctrl-C does.

    Without a handler SIGTERM ends it between two instructions, and where it is the first process of a container, as its
    command is, not at all.
    """
    with handled(_leave, *numbers):
        yield


@contextmanager
def handled(handler: Handler, *numbers: int) -> Iterator[None]:
    """Another handler of these signals within the block; in a thread, which may set none, there is no change."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def behind(error: BaseException) -> signal.Signals | None:
    """The signal that an error comes from; None for a failure. DuckDB makes an error of its own of a signal."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, KeyboardInterrupt):
            return signal.SIGINT
        if isinstance(found, SystemExit) and isinstance(found.code, int):
            number = found.code - BY_SIGNAL
            if number in signal.valid_signals():
                return signal.Signals(number)
        found = found.__cause__ or found.__context__
    return None


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(BY_SIGNAL + number)
