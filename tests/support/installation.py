"""An installation with a home and keys of its own, used by the command line in processes, as its users would."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.parsed import parsed

LINKWORK = str(Path(sys.executable).parent / "linkwork")


@dataclass(frozen=True)
class Installation:
    """A home of its own, and how its commands ended."""

    folder: Path
    env: dict[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "data"

    def run(self, *arguments: str, expect: int | tuple[int, ...] = 0) -> subprocess.CompletedProcess[str]:
        with parsed(self.home) if arguments[0] in ("build", "run") else nullcontext():
            done = subprocess.run(
                [LINKWORK, *arguments], env=self.env, cwd=self.folder, capture_output=True, text=True, check=False
            )
        allowed = (expect,) if isinstance(expect, int) else expect
        assert done.returncode in allowed, (
            f"{arguments}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
        return done

    def json(self, *arguments: str, expect: int | tuple[int, ...] = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", expect=expect).stdout)

    def sql(self, query: str, tier: str = "restricted") -> list[dict[str, Any]]:
        return list(self.json("sql", query, "--tier", tier))


def install(folder: Path) -> Installation:
    """Make an installation with new keys below a folder."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("LINKWORK_")}
    env |= {
        "LINKWORK_HOME": str(folder / "data"),
        "LINKWORK_KEYS_DIR": str(folder / "keys"),
        "LINKWORK_TEST_NUMBERS": "allow",
    }
    made = Installation(folder, env)
    made.run("keys", "init")
    return made
