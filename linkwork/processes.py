"""Child processes: dbt, Great Expectations and Airflow are started here and nowhere else.

They are separate programs to us: we pass arguments and files, they answer with an exit code and files.
A signal that reaches this process (Ctrl-C, SIGTERM) is passed on to the child's whole process group, and ends this one
when the child has ended.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from linkwork import signals

NO_HOME = "/nonexistent"  # as of Debian's users that have none


class Finished(NamedTuple):
    """How a child ended: its exit code and the last part of what it printed."""

    returncode: int
    output: str


def script(name: str) -> str:
    """The full path of a console script installed beside this Python, such as `airflow`."""
    return str(Path(sys.executable).parent / name)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment for a child, with `extra` on top and Python output unbuffered."""
    return {**_home(), **os.environ, "PYTHONUNBUFFERED": "1", **(extra or {})}


def _home() -> dict[str, str]:
    """A HOME for a user without one and without a name: what dbt and Great Expectations import does not start then."""
    try:
        Path.home()
    except RuntimeError:
        return {"HOME": NO_HOME}
    return {}


def run(
    arguments: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    extra_env: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> Finished:
    """Run a child to its end with its output in `log`; the last 4,000 characters come back with its code.

    The child holds the `lock` of this descriptor too, so that it is not free while one goes on whose parent was killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink, _signals_passed_on() as passed_to:
        child = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment(extra_env),
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )
        passed_to(child)
        code = child.wait()
    return Finished(code, log.read_text(errors="replace")[-4000:])


def start(
    arguments: Sequence[str], *, log: Path, extra_env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a long-running child (an Airflow component) in a process group of its own."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment(extra_env),
            start_new_session=True,
        )


def stop(children: Sequence[subprocess.Popen[bytes]], patience_seconds: float = 20) -> None:
    """Ask every child's process group to end, then insist."""
    for child in children:
        _signal_group(child, signal.SIGTERM)
    for child in children:
        try:
            child.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            _signal_group(child, signal.SIGKILL)
            child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    if child.poll() is None:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            return


@contextmanager
def _signals_passed_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Pass signals on to the child that is named, also those that came while it was started.

    When it has ended, whoever handled them here before gets the first of them.
    """
    got: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        got.append(number)
        for child in children:
            _signal_group(child, number)

    def passed_to(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in got:
            _signal_group(child, number)

    with signals.handled(pass_on, signal.SIGINT, signal.SIGTERM):
        yield passed_to
    if got and callable(handler := signal.getsignal(got[0])):
        handler(got[0], None)
