"""The boundaries of Great Expectations, run as a child process that answers with an exit code and files."""

import sys
from pathlib import Path

from linkwork import processes, spill
from linkwork.errors import EXIT_BAD_DATA, EXIT_DONE, BadDataError, LinkworkError
from linkwork.settings import Settings


def judge(
    settings: Settings, boundary: str, arguments: list[str], name: str, *, answer: Path | None = None, then: str = ""
) -> None:
    """Run one boundary on what `arguments` name; `name` is the run's, for its log file.

    Where the answer is a file of verdicts it need not be favourable; else it must be: raises BadDataError where the
    suite failed, LinkworkError where it could not be run. `then` says what did not happen because of it.
    """
    log_file = settings.quality_dir / "logs" / f"{boundary}-{name}.log"
    command = [sys.executable, "-m", "expectations.runner", boundary, *arguments]
    command += ["--quality", str(settings.quality_dir), "--memory-limit", settings.memory_limit]
    with spill.own_folder(settings) as folder:
        done = processes.run([*command, "--threads", str(settings.threads), "--spill", str(folder)], log=log_file)
    if done.returncode == EXIT_DONE or (answer is not None and answer.exists()):
        return
    failed = done.returncode == EXIT_BAD_DATA
    error = BadDataError if failed else LinkworkError
    raise error(
        f"the {boundary} suite {'failed' if failed else 'could not be run'}{then}",
        where=str(log_file),
        do="see the page under quality/data_docs" if failed else "see the log file",
    )
