"""Commands that are cut off at a fail point: each in a process of its own, forked from one that has imported it all."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from ingestion import erase, held, retention, upkeep
from ingestion.retry import retry
from ingestion.withdraw import withdraw_sender
from linkwork import publication, warehouse
from linkwork.cli.quarantine import quarantine_export
from linkwork.cli.reference import reference_check, reference_load
from linkwork.cli.senders import sender_add
from linkwork.privacy import holds
from linkwork.privacy.keys import load_keys
from linkwork.settings import Settings
from tests.support.cli import environment
from tests.support.people import ANNA, SERVICE

ROOT = Path(__file__).parents[2]
EARLIER = datetime(2025, 6, 30, 6, tzinfo=UTC)


def publish(home: Settings, known_at: datetime | None = None) -> dict[str, Any]:
    """Publish without the suite of the boundary, which other tests run, and a warehouse that lacks most tables."""
    publication._check = lambda settings, folder: None
    publication.schemas.read = lambda: {}
    return publication.publish(home, known_at)


WORK = {
    "erase": lambda home: erase.erase_person(home, [ANNA], [], "asked for"),
    "resume": erase.resume,
    "withdraw": lambda home: withdraw_sender(home, SERVICE, "the agreement was ended by the sender"),
    "retry": lambda home: retry(home, reason="the contract was corrected"),
    "release": lambda home: held.release(home, "held.csv", "looked at"),
    "compact": upkeep.compact,
    "expire": lambda home: retention.expire(home, datetime.now(UTC) + timedelta(days=home.raw_retention_days + 1)),
    "build": warehouse.build,
    "sender add": lambda home: sender_add("S9", ["test_state"], "Nine", ["a system"]),
    "reference load": lambda home: reference_load("organisations", home.home.parent / "organisations.csv"),
    "reference check": lambda home: reference_check(record=True, reason="reported to the publisher"),
    "quarantine export": lambda home: quarantine_export(home.home.parent / "refused.csv"),
    "legal-hold place": lambda home: holds.place(home.log_dir, [b"one", b"two"], "a complaint", load_keys(home)),
    "legal-hold lift": lambda home: holds.lift(home.log_dir, "a hold", "it was settled"),
    "publish": publish,
    "publish known at": lambda home: publish(home, EARLIER),
}


class Killer:
    """Runs a command until a fail point is reached."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        assert child.stdin
        assert child.stdout
        self._to: IO[str] = child.stdin
        self._from: IO[str] = child.stdout

    def __call__(self, home: Settings, command: str, at: str) -> int:
        """How the process ended: the number of the signal, negative, or an exit code (0: the point was not reached)."""
        self._to.write(json.dumps([command, environment(home) | {"LINKWORK_FAIL_AT": at}]) + "\n")
        self._to.flush()
        return int(self._from.readline())


@contextmanager
def killer() -> Iterator[Killer]:
    command = [sys.executable, "-c", "from tests.support.kills import serve; serve()"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        yield Killer(child)
        assert child.stdin
        child.stdin.close()


def serve() -> None:
    """Fork for each line of standard input, which names a command and its environment; print how the child ended."""
    for line in sys.stdin:
        command, environ = json.loads(line)
        if (pid := os.fork()) == 0:
            os.environ.update(environ)
            os.dup2(2, 1)  # what the command says is not our answer
            try:
                WORK[command](Settings())
            except Exception:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
