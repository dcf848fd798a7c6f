"""Which tests one worker runs together: those of a file, and of a folder whose files share something made once.

A worker takes the next file or folder when it has done its last. In the order of collection the long ones, which build
whole warehouses, come first, so that no core is idle at the end.
"""

from typing import Any

from xdist.scheduler import LoadFileScheduling

# Folders whose session fixtures are dear: a second worker would make them again.
TOGETHER = ("tests/dbt/", "tests/e2e/region/", "tests/spec/")


class Scheduling(LoadFileScheduling):
    """Files, and folders of `TOGETHER`, in the order of collection."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests, as if each took the same time

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid))
