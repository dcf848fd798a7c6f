"""Named disclosure policies: what the open tier may show. A name that is not known refuses (fails closed)."""

import hashlib
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from linkwork.errors import BadDataError, UsageError

POLICIES_DIR = Path(__file__).parent / "policies"

Kind = Literal["split", "total"]


class Ladder(BaseModel):
    """The finest period shown at each area level, for rows with a split and for totals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: dict[str, str]
    total: dict[str, str]


class DisclosurePolicy(BaseModel):
    """One policy, as read from `policies/<name>.yaml`. Shares are between 0 and 1, lags in days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int = Field(ge=1)
    description: str
    suppress_from: Literal[1]  # one person is always the most disclosive count
    suppress_to: int = Field(ge=1)
    round_to: int = Field(ge=1)
    show_zero: bool
    held_to: int = Field(ge=1)
    closed_after_days: int = Field(ge=0)
    max_suppressed_share: float = Field(ge=0, le=1)
    min_shown_share: float = Field(ge=0, le=1)
    areas: list[str]
    periods: list[str]
    ladder: Ladder
    sha256: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.rounded(self.suppress_to + 1) <= 0:
            raise ValueError("the smallest shown count would be rounded to 0, which reads as nobody")
        if self.held_to < self.suppress_to:
            raise ValueError("a change of few people is as disclosive as a count of them: `held_to` is too small")
        for steps in (self.ladder.split, self.ladder.total):
            if not set(steps) <= set(self.areas) or not set(steps.values()) <= set(self.periods):
                raise ValueError("the ladder names an area level or a period that the policy does not list")
        return self

    @property
    def lowest_suppressed(self) -> int:
        """0 where zero is hidden too, else 1."""
        return self.suppress_from if self.show_zero else 0

    def suppresses(self, count: int) -> bool:
        """Whether a count is hidden."""
        return self.lowest_suppressed <= count <= self.suppress_to

    def rounded(self, count: int) -> int:
        """The nearest multiple of `round_to` (no integer is half way between two multiples of 5)."""
        return (count + self.round_to // 2) // self.round_to * self.round_to

    def coarser_periods(self, kind: Kind, area_level: str) -> list[str]:
        """The ladder's step for this area level and then every coarser period; empty if it has none."""
        finest = getattr(self.ladder, kind).get(area_level)
        return self.periods[self.periods.index(finest) :] if finest else []


def policy_names() -> list[str]:
    """The policies that exist, in alphabetical order."""
    return sorted(path.stem for path in POLICIES_DIR.glob("*.yaml"))


def load_policy(name: str) -> DisclosurePolicy:
    """Read a policy by its exact name.

    Raises UsageError for a name that is not known (so that a typing error never switches control off) and
    BadDataError for a file that does not hold a whole policy.
    """
    if name not in policy_names():
        raise UsageError(
            f"there is no disclosure policy named {name!r}",
            where="LINKWORK_DISCLOSURE_POLICY",
            why="nothing is released without a known policy",
            do=f"use one of {', '.join(policy_names())}",
        )
    content = (POLICIES_DIR / f"{name}.yaml").read_bytes()
    try:
        policy = DisclosurePolicy.model_validate(yaml.safe_load(content))
    except (ValidationError, yaml.YAMLError) as error:
        raise BadDataError(
            "a disclosure policy cannot be read",
            where=f"{name}.yaml",
            why=str(error),
            do="restore the file as it was delivered",
        ) from error
    return policy.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
