"""The boundaries `landed` and `recorded`: Great Expectations as a child process that answers with files."""

import sys
from pathlib import Path

from linkwork import processes
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, BadDataError, LinkworkError
from linkwork.files import write_json
from linkwork.log import append
from linkwork.settings import Settings


def recorded_file(settings: Settings, batch_id: str) -> Path:
    """Where a commit waits to be judged."""
    return settings.quality_dir / "pending" / f"{batch_id}.json"


def hand_to_recorded(settings: Settings, result: append.Commit) -> None:
    """Say what the commit claims to have added, for the boundary to check."""
    counts = (
        "load_id",
        "events",
        "records",
        "accepted",
        "duplicate",
        "superseded",
        "conflict",
        "quarantined",
        "skipped",
    )
    write_json(
        recorded_file(settings, result.batch_id),
        {
            "batch_id": result.batch_id,
            "commit_version": result.version,
            "position_before": result.position_before,
            "position_after": result.position,
            "files": [str(p) for p in result.files],
            "loads": [{c: row[c] for c in counts} for row in result.loads],
        },
    )


def judge(
    settings: Settings, boundary: str, arguments: list[str], batch_id: str, *, answer: Path | None = None
) -> None:
    """Run one boundary. Where the answer is a file of verdicts it need not be favourable; else it must be."""
    log_file = settings.quality_dir / "logs" / f"{boundary}-{batch_id}.log"
    command = [sys.executable, "-m", "expectations.runner", boundary, *arguments]
    done = processes.run([*command, "--quality", str(settings.quality_dir)], log=log_file)
    if done.returncode == EXIT_DONE or (answer is not None and answer.exists()):
        return
    failed = done.returncode == EXIT_BAD_DATA
    error = BadDataError if failed else LinkworkError
    raise error(
        f"the {boundary} suite {'failed' if failed else 'could not be run'}",
        where=str(log_file),
        do="see the page under quality/data_docs" if failed else "see the log file",
    )
