"""The command line in this process, on a given home: quicker than a process, and the same entry point."""

import io
import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from linkwork import cli
from linkwork.settings import Settings


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: writes then fail in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


def environment(home: Settings) -> dict[str, str]:
    """The settings of a home as variables of a process."""
    return {
        "LINKWORK_HOME": str(home.home),
        "LINKWORK_KEYS_DIR": str(home.keys_dir),
        "LINKWORK_CONTRACTS_DIR": str(home.contracts_dir),
        "LINKWORK_TEST_NUMBERS": "allow",
        "LINKWORK_LOCK_TIMEOUT_SECONDS": "0.2",
    }


def commands(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """A function that runs one command; `given` is its standard input."""
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, given: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["linkwork", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run
