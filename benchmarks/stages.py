"""Where the time of a commit goes, by the fail points it passes: they mark its steps and are there anyway."""

import sys
from types import TracebackType

from benchmarks.clock import Moment
from linkwork.log import failpoints


class StageClock:
    """While it is open, notes when each fail point is reached; the time up to each is in `stages`."""

    def __init__(self) -> None:
        self.stages: dict[str, Moment] = {}
        self._real = failpoints.reached

    def __enter__(self) -> "StageClock":
        self._last = Moment.now()
        self._replace(self._real, self._reached)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._note("end")
        self._replace(self._reached, self._real)

    def _reached(self, point: str) -> None:
        self._note(point)
        self._real(point)

    def _note(self, point: str) -> None:
        now = Moment.now()
        self.stages[point] = self.stages.get(point, Moment(0, 0)) + (now - self._last)
        self._last = now

    @staticmethod
    def _replace(old: object, new: object) -> None:
        # Every module that marks its steps imported the function by name, and so holds it itself.
        for name, module in list(sys.modules.items()):
            if name.startswith(("linkwork.", "ingestion.")) and getattr(module, "reached", None) == old:
                module.reached = new  # type: ignore[attr-defined]
