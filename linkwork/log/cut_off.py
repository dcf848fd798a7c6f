"""What the power cut off in Delta's own log: a commit, or a checkpoint, that is not whole.

delta-rs gives a commit its name before the system has written its bytes, and the log fsyncs it right after. A power cut
in between leaves a file that is empty or ends in the middle. Only the newest of a table can be such: nothing goes on
before the fsync.
"""

import json
from pathlib import Path

from linkwork.errors import BadDataError

POINTER = "_last_checkpoint"


def parts(log: Path) -> list[Path]:
    """The files of a folder `_delta_log` that are cut off."""
    return [*commits(log), *checkpoints(log)]


def commits(log: Path) -> list[Path]:
    """The newest commit, where it is cut off."""
    return [path for path in sorted(log.glob("*.json"))[-1:] if not _is_commit(path)]


def checkpoints(log: Path) -> list[Path]:
    """The newest checkpoint and the pointer to it, where it is cut off. It says nothing that commits do not say."""
    newest = sorted(log.glob("*.checkpoint.parquet"))[-1:]
    return [*newest, *log.glob(POINTER)] if newest and not _is_parquet(newest[0]) else []


def error(log: Path) -> BadDataError:
    """Why a table cannot be opened whose log this is."""
    cut_off = parts(log)
    return BadDataError(
        "a table of the event log cannot be opened",
        where=str(log),
        why=f"{', '.join(part.name for part in cut_off)} is not whole" if cut_off else "Delta's own log is damaged",
        do="run `linkwork log repair`" if cut_off else "put log/ back from a copy, see docs/runbooks/restore.md",
    )


def _is_commit(path: Path) -> bool:
    """Whether every line is JSON, and there is one."""
    lines = path.read_bytes().splitlines()
    try:
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _is_parquet(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError):
        return False
    return True
