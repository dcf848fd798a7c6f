"""What the main branch holds, for tests that hold this checkout to it."""

import subprocess

import pytest

from linkwork.settings import PROJECT_ROOT


def git(*arguments: str) -> str | None:
    """What git prints in this checkout; None where it fails or is not there."""
    command = ["git", "-C", str(PROJECT_ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def main_commit() -> str:
    """The main branch's commit; skips, saying why, where this checkout cannot tell."""
    here = git("rev-parse", "HEAD")
    if here is None:
        pytest.skip("this checkout has no git history")
    commits = [git("rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}") for branch in ("origin/main", "main")]
    other = next((commit for commit in commits if commit not in (None, here)), None)
    if other is None:
        pytest.skip("git knows no main branch but this very commit")
    return str(other)
