"""Which steps of a table the open tier shows: area level x period x one split, coarse enough to be shown.

A step is left out when suppression would hide more of it than the policy tolerates. In its place the next
coarser period of the same area level is tried; if none passes, that area level is not shown. So a small
region loses the fine steps, in the worst case all of them (the table is then published with no rows), and
never sees a table of gaps. What was left out stands in the manifest, with its share and the coarser step
that passes.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from linkwork.release.policy import DisclosurePolicy, Kind

TOTAL = ""  # the "split" of rows that are not split


class Step(NamedTuple):
    """One step: what splits it ("" for totals), area level and period type."""

    split: str
    area_level: str
    period_type: str

    @property
    def kind(self) -> Kind:
        return "split" if self.split else "total"


class Cells(NamedTuple):
    """How many cells a step holds, and how many are suppressed: those of people, and all controlled ones."""

    people: int
    people_suppressed: int
    all: int
    all_suppressed: int

    @property
    def suppressed_share(self) -> float:
        return self.people_suppressed / self.people if self.people else 0.0

    @property
    def shown_share(self) -> float:
        return 1 - self.all_suppressed / self.all if self.all else 1.0


class Withheld(BaseModel):
    """A step left out of the open tier. `coarser` is the step that passes, such as `pcn:year`, if any."""

    model_config = ConfigDict(frozen=True)

    table: str
    split: str
    area_level: str
    period_type: str
    suppressed_share: float
    shown_share: float
    coarser: str | None


def choose(table: str, steps: dict[Step, Cells], policy: DisclosurePolicy) -> tuple[list[Step], list[Withheld]]:
    """Split the steps a table has into those to show (at most one period per split and area level) and those
    that would hide too much. A step the ladder does not reach is neither: it is never shown."""
    shown: list[Step] = []
    failed: list[Step] = []
    for split in sorted({step.split for step in steps}):
        for area in policy.areas:
            for step in _candidates(split, area, steps, policy):
                if _passes(steps[step], policy):
                    shown.append(step)
                    break
                failed.append(step)
    withheld = [
        Withheld(
            table=table,
            split=step.split or "none",
            area_level=step.area_level,
            period_type=step.period_type,
            suppressed_share=round(steps[step].suppressed_share, 4),
            shown_share=round(steps[step].shown_share, 4),
            coarser=_coarser(step, shown, policy),
        )
        for step in failed
    ]
    return shown, withheld


def _candidates(split: str, area: str, steps: dict[Step, Cells], policy: DisclosurePolicy) -> list[Step]:
    periods = policy.coarser_periods(Step(split, area, "").kind, area)
    return [step for period in periods if (step := Step(split, area, period)) in steps]


def _passes(cells: Cells, policy: DisclosurePolicy) -> bool:
    return cells.suppressed_share <= policy.max_suppressed_share and cells.shown_share >= policy.min_shown_share


def _coarser(failed: Step, shown: list[Step], policy: DisclosurePolicy) -> str | None:
    for area in policy.areas[policy.areas.index(failed.area_level) :]:
        for step in shown:
            if step.split == failed.split and step.area_level == area:
                return f"{step.area_level}:{step.period_type}"
    return None
