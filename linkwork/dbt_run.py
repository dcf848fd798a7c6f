"""dbt as a child process: how it is started, what it found, and what is said of a build that failed."""

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

from linkwork import processes
from linkwork.errors import BadDataError, LinkworkError, OutOfMemoryError
from linkwork.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
REASON = re.compile(r"[A-Z][A-Za-z ]+ Error: |Got [0-9]+ results?")
NO_MEMORY = "Out of Memory Error"  # DuckDB says so of the disk, too, that should hold what memory cannot
RESULTS = "run_results.json"


def run_dbt(
    settings: Settings, database: Path, target: Path, command: list[str], log: Path, lock: int | None = None
) -> processes.Finished:
    """Run a command of dbt on a warehouse to its end; it writes to `target` and says what it does in `log`.

    It holds the `lock` too: whoever started it may be killed, and dbt goes on.
    """
    return processes.run(
        [
            sys.executable, "-m", "linkwork.dbt_script", *command, "--no-use-colors",
            "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target),
        ],
        log=log,
        lock=lock,
        cwd=database.parent,
        extra_env={
            # Without its folder: dbt keeps what it parsed for as long as the warehouse is called the same.
            "LINKWORK_WAREHOUSE": database.name,
            "LINKWORK_MEMORY_LIMIT": settings.memory_limit,
            "DBT_LOG_PATH": str(target),
            "DBT_LOG_LEVEL_FILE": "none",  # every statement and event of it, again: 8 MB for each build
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
    )  # fmt: skip


def failure(found: list[dict[str, Any]], done: processes.Finished, log_file: Path) -> LinkworkError:
    """What to say of a build that failed, of its results and how it ended."""
    failed = [r for r in found if r["status"] in ("error", "fail", "runtime error")]
    reasons = [_reason(r["message"] or "") for r in failed]
    told = [f"{r['unique_id']} ({why})" if why else r["unique_id"] for r, why in zip(failed, reasons, strict=True)]
    short = NO_MEMORY in reasons
    number = -done.returncode
    killed = f"dbt was ended by signal {number} ({signal.strsignal(number)})" if number > 0 else ""
    error = OutOfMemoryError if short else BadDataError if failed else LinkworkError
    return error(
        f"{len(failed)} dbt models or tests failed" if failed else "the marts could not be built",
        where=str(log_file),
        why="; ".join(told[:5]) or killed or done.output[-500:],
        do=(f"{OutOfMemoryError.DO}; " if short else "") + "the warehouse of the last good build is unchanged",
    )


def _reason(message: str) -> str:
    """The kind of an error of DuckDB, or how many rows a test found; never its text, which may quote a value."""
    found = REASON.search(message)
    return found[0].rstrip(": ") if found else ""


def results(target: Path) -> list[dict[str, Any]]:
    """What became of each model and test of the last build there; none where it was killed."""
    try:
        return list(json.loads((target / RESULTS).read_text())["results"])
    except (OSError, ValueError):  # none, or half of them: dbt was killed
        return []
