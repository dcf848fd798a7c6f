"""What can be set about the truth of a region."""

from dataclasses import asdict, dataclass

# Who an effect can be set for, as a condition on people (imd1: the most deprived fifth; ages on the first day).
GROUPS = {
    **{f"imd{fifth}": f"(imd_decile + 1) // 2 = {fifth}" for fifth in range(1, 6)},
    "under18": "getvariable('first_day') - date_of_birth < 18 * 365.25",
    "18to64": "getvariable('first_day') - date_of_birth between 18 * 365.25 and 65 * 365.25",
    "over64": "getvariable('first_day') - date_of_birth > 65 * 365.25",
}


MOST = 2.0
WHY = "1 is no effect, 0.8 a fifth fewer visits, 1.1 a tenth more; more than twice as many is no region one could meet"


@dataclass(frozen=True)
class Dials:
    """The truth as it is set.

    effect_rate_ratio: what the first held contact with a link worker does to a person's later rate of GP visits (1.0
    nothing, 0.8 a fifth fewer, 1.1 a tenth more). effect_for: other ratios for groups, such as `imd1=1.0,over64=0.7`;
    of several that fit a person the first holds. engagement_gap: how strongly route and deprivation decide whether a
    person is reached, stays and takes up a signpost (0 not at all). rollout_months: over how many months the practices
    take up social prescribing, one after the other (0: all before the first day). both_reported: the share of referrals
    decided at a practice that the practice reports too, by its own reference. referred_per_year: referrals per
    registered person. changes: whether practices, networks, boards and systems change in the simulated days
    (changes.py).
    """

    effect_rate_ratio: float = 1.0
    effect_for: str = ""
    engagement_gap: float = 1.0
    rollout_months: int = 0
    both_reported: float = 0.0
    referred_per_year: float = 0.06
    changes: bool = False

    def __post_init__(self) -> None:
        for name, ratio in (("effect_rate_ratio", self.effect_rate_ratio), *self.ratios.items()):
            if not 0 < ratio <= MOST:
                raise ValueError(f"{name} must be above 0 and at most {MOST:g}, not {ratio}: {WHY}")
        for name in ("both_reported", "engagement_gap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {getattr(self, name)}")
        if not 0 <= self.rollout_months <= 60:
            raise ValueError(f"rollout_months must be 0 to 60, not {self.rollout_months}")
        if not 0 < self.referred_per_year <= 0.2:
            raise ValueError(f"referred_per_year must be above 0 and at most 0.2, not {self.referred_per_year}")

    @property
    def ratios(self) -> dict[str, float]:
        """The ratio of each group that has its own. Raises ValueError for a group that is not known."""
        found = {}
        for one in filter(None, self.effect_for.split(",")):
            group, _, ratio = one.strip().partition("=")
            if group not in GROUPS:
                raise ValueError(f"effect_for names {group}, which is none of {', '.join(GROUPS)}")
            try:
                found[group] = float(ratio)
            except ValueError:
                raise ValueError(f"effect_for gives {group} no number: {one}") from None
        return found

    @property
    def ratio_sql(self) -> str:
        """SQL of a person's ratio, over the table people."""
        whens = " ".join(f"when {GROUPS[group]} then {ratio!r}" for group, ratio in self.ratios.items())
        return f"case {whens} else {self.effect_rate_ratio!r} end" if whens else repr(self.effect_rate_ratio)

    def rows(self) -> dict[str, object]:
        """The settings by name, as the truth notes them."""
        return asdict(self)
