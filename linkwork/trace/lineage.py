"""How a mart's rows come about, as `meta.linkwork.trace` of its dbt model says it.

A mart is traced to rows of other marts (`rows`), to facts of the log (`events`), to files (`load`) or to reference
data (`reference`). A view between two marts is the mart's own definition with one row per contribution: its columns
named like figures hold what a row adds to them.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["counts", "places"]  # what makes the number; what puts it into this row of the mart
Lines = Literal["events", "refused", "contradicted"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventLink(_Model):
    """Facts of one category of the log whose id `by` is the hexadecimal text in the mart's `column`.

    `facts` is the model that holds them, by default all effective facts of the category.
    """

    role: Role
    category: str
    by: Literal["fact_id", "stream_id", "correlation_id", "subject_key"]
    column: str
    facts: str | None = None

    @property
    def model(self) -> str:
        return self.facts or f"stg_log__{self.category}_events"


class RowLink(_Model):
    """Rows of another mart: those of the same key, or those a view names.

    The view is joined on every column it shares with the mart's key. It names the other mart's key by the same
    names, unless `names` says another.
    """

    role: Role
    mart: str
    through: str | None = None
    names: dict[str, str] = {}


class Figure(_Model):
    """One figure of a mart: the sum of a column of the first link's view, a count of people, or derived of such.

    `of` names the view's columns, by default the figure's own; `at` replaces values of the mart's key, for a figure
    that repeats another row's. `lines` says which lines of the files behind it count.
    """

    kind: Literal["sum", "people", "derived"] = "sum"
    of: list[str] = []
    at: dict[str, str] = {}
    lines: list[Lines] = []


class Lineage(_Model):
    """`meta.linkwork.trace` of one mart. The first figure is the one that is traced unless another is named."""

    figures: dict[str, Figure] = {}
    rows: list[RowLink] = []
    events: list[EventLink] = []
    load: str | None = None
    reference: str | None = Field(default=None, description="the kind of reference data the mart's rows come from")
    withheld: str | None = Field(default=None, description="why nobody may be led from the mart to people")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not (self.rows or self.events or self.load or self.reference or self.withheld):
            raise ValueError("needs one of `rows`, `events`, `load`, `reference` and `withheld`")
        if self.figures and not (self.rows and self.rows[0].through):
            raise ValueError("`figures` need a first link `through` a view")
        return self
