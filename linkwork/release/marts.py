"""The marts to release and what their models say about disclosure, read from dbt's manifest.json."""

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from linkwork.engine import name
from linkwork.errors import BadDataError
from linkwork.trace.lineage import Lineage

Tier = Literal["restricted", "open"]


class Rate(BaseModel):
    """A derived figure: `per` x numerator / denominator, with its 95 % interval where the mart has one.

    `kind` is needed with an interval: a proportion's is Wilson's, a rate's is exact Poisson at 0 and Byar's
    from 10.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    numerator: str
    denominator: str
    per: float = Field(default=1, gt=0)
    lower: str | None = None
    upper: str | None = None
    kind: Literal["proportion", "rate"] | None = None

    @model_validator(mode="after")
    def _interval_has_a_kind(self) -> Self:
        if (self.lower or self.upper) and not self.kind:
            raise ValueError("`lower` and `upper` need `kind`: proportion or rate")
        return self


class Disclosure(BaseModel):
    """Which columns of a mart mean what to disclosure control; see `linkwork.release.disclosure`.

    `breakdowns` maps a splitting column to the column that names the split (`breakdown_group` to
    `breakdown`), so that each breakdown is judged on its own. `only` maps a column to the values the open tier
    has of it; rows with others are for the restricted tier alone. `people_of` maps a count to the column of its
    people where they are not `people`, such as those of a denominator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    area_level: str
    period_type: str
    period_end: str
    splits: list[str] = []
    breakdowns: dict[str, str] = {}
    only: dict[str, list[str]] = {}
    people: str
    counts: list[str] = []
    people_counts: list[str] = []
    people_of: dict[str, str] = {}
    rates: dict[str, Rate] = {}
    labels: list[str] = []
    drop: list[str] = []

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if not set(self.breakdowns) <= set(self.splits):
            raise ValueError("`breakdowns` names a column that is not one of `splits`")
        if not set(self.people_of) <= set(self.counts):
            raise ValueError("`people_of` names a column that is not one of `counts`")
        if not set(self.people_of.values()) <= set(self.cells_of_people):
            raise ValueError("`people_of` points to a column that is not one of `people_counts`")
        return self

    @property
    def cells_of_people(self) -> list[str]:
        return list(dict.fromkeys([self.people, *self.people_counts]))

    @property
    def cells(self) -> list[str]:
        """Every column that is suppressed and rounded on its own account, rates apart."""
        return list(dict.fromkeys([*self.cells_of_people, *self.counts]))

    @property
    def derived(self) -> list[str]:
        """The rates and the limits of their intervals."""
        limits = [limit for rate in self.rates.values() for limit in (rate.lower, rate.upper) if limit]
        return [*self.rates, *limits]


class MartMeta(BaseModel):
    """`meta.linkwork` of one dbt model. A change of its columns that breaks readers raises `version`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(default=1, ge=1)

    tiers: list[Tier]
    key: list[str] = Field(min_length=1)
    disclosure: Disclosure | None = None
    trace: Lineage | None = None

    @model_validator(mode="after")
    def _says_what_its_tiers_need(self) -> Self:
        if not self.tiers and self.trace is None:
            raise ValueError("a mart that is in no tier is here for `trace` only, and has none")
        if "open" in self.tiers and self.disclosure is None:
            raise ValueError("a mart of the open tier needs `disclosure`")
        return self


class Mart(BaseModel):
    """One mart: its relation in the warehouse, its descriptions and its release metadata."""

    model_config = ConfigDict(frozen=True)

    name: str
    relation: str
    description: str
    columns: dict[str, str]
    meta: MartMeta


def read_marts(dbt_manifest: Path) -> list[Mart]:
    """Every mart that is released, by name. Raises BadDataError naming the model that is wrong."""
    return [mart for mart in read_described(dbt_manifest) if mart.meta.tiers]


def read_described(dbt_manifest: Path) -> list[Mart]:
    """Every dbt model with `meta.linkwork`, released or not, by name. Raises BadDataError as `read_marts`."""
    try:
        nodes: dict[str, Any] = json.loads(dbt_manifest.read_bytes())["nodes"]
    except (OSError, ValueError, KeyError) as error:
        raise BadDataError(
            "dbt's manifest cannot be read",
            where=str(dbt_manifest),
            why=str(error),
            do="run `linkwork build` first",
        ) from error
    marts = [
        mart for node in nodes.values() if node.get("resource_type") == "model" and (mart := _mart(node, dbt_manifest))
    ]
    if not marts:
        raise BadDataError(
            "no model has `meta.linkwork`",
            where=str(dbt_manifest),
            why="there is nothing to release",
            do="say which marts are released, and how, in their dbt meta",
        )
    return sorted(marts, key=lambda mart: mart.name)


def _mart(node: dict[str, Any], manifest: Path) -> Mart | None:
    raw = node.get("config", {}).get("meta", {}).get("linkwork") or node.get("meta", {}).get("linkwork")
    if raw is None:
        return None
    try:
        meta = MartMeta.model_validate(raw)
    except ValidationError as error:
        raise BadDataError(
            f"the release metadata of {node['name']} is wrong",
            where=str(manifest),
            why="; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()),
            do="correct `meta.linkwork` of the model",
        ) from error
    return Mart(
        name=node["name"],
        relation=f"{name(node['schema'])}.{name(node.get('alias') or node['name'])}",
        description=node.get("description", ""),
        columns={c["name"]: c.get("description", "") for c in node.get("columns", {}).values()},
        meta=meta,
    )
