"""Where the time of a commit goes, by the fail points it passes: they mark its steps and are there anyway."""

import sys
from collections.abc import Mapping
from types import TracebackType

from benchmarks.clock import Moment
from linkwork.log import failpoints


class StageClock:
    """While it is open, notes when some fail points are reached; the time that led to each is in `stages`.

    `ends` maps a fail point to the name of the stage that ends there; what comes after the last is named `rest`.
    """

    def __init__(self, ends: Mapping[str, str], rest: str) -> None:
        self.stages: dict[str, Moment] = {}
        self._ends, self._rest = ends, rest
        self._real = failpoints.reached

    def __enter__(self) -> "StageClock":
        self._last = Moment.now()
        self._replace(self._real, self._reached)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._note(self._rest)
        self._replace(self._reached, self._real)

    def _reached(self, point: str) -> None:
        if point in self._ends:
            self._note(self._ends[point])
        self._real(point)

    def _note(self, stage: str) -> None:
        now = Moment.now()
        self.stages[stage] = self.stages.get(stage, Moment(0, 0)) + (now - self._last)
        self._last = now

    @staticmethod
    def _replace(old: object, new: object) -> None:
        # Every module that marks its steps imported the function by name, and so holds it itself.
        for name, module in list(sys.modules.items()):
            if name.startswith(("linkwork.", "ingestion.")) and getattr(module, "reached", None) == old:
                module.reached = new  # type: ignore[attr-defined]
