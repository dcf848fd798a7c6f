"""What a record asserts, as a contract states it: its key, when and about whom, and which rows become which events."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingestion.conditions import Condition
from ingestion.properties import Name


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Subject(_Model):
    """Who a record is about: the NHS number, else the sender's own id of the person."""

    nhs_number: Name | None = None
    local: Name | None = None
    optional: bool = False


class Record(_Model):
    """What one record asserts: its key, when the source said so, and about whom."""

    kind: Literal["event", "state"]
    key: list[Name] = Field(min_length=1)
    reference: Name | None = None
    assertedAt: Name | Literal["arrival"] = "arrival"
    order: Literal["asserted", "arrival"] = "asserted"
    treatAsRevision: Name | None = None  # the whole number that orders what is asserted at one time
    tombstone: dict[Name, list[str]] = {}  # the field and its texts that say the record was deleted at the source
    subject: Subject
    practice: Name | Literal["sender"] | None = None
    performer: Name | Literal["sender"] | None = None
    provider: Name | Literal["sender"] | None = None
    providerOrSender: bool = False  # where the provider's field is empty, it is who sends the file
    identityExpected: Literal["nhs_number", "local"] = "nhs_number"

    @model_validator(mode="before")
    @classmethod
    def _order_is_declared(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        by_arrival = content.get("order") == "arrival"
        stated = content.get("assertedAt")
        if stated is None and not by_arrival:
            raise ValueError("nothing orders the records: name assertedAt, or declare order: arrival")
        if by_arrival and stated not in (None, "arrival"):
            raise ValueError("order: arrival and assertedAt contradict each other")
        return {**content, "order": "arrival" if by_arrival or stated == "arrival" else "asserted"}

    @model_validator(mode="after")
    def _consistent(self) -> "Record":
        if self.treatAsRevision and self.assertedAt == "arrival":
            raise ValueError("treatAsRevision needs assertedAt")
        if len(self.tombstone) > 1:
            raise ValueError("tombstone takes one field")
        if self.tombstone and self.kind != "state":
            raise ValueError("tombstone: only a state can be deleted; an event is corrected by a newer one")
        if self.providerOrSender and self.provider in (None, "sender"):
            raise ValueError("providerOrSender needs a provider that is a field")
        return self


class Stream(_Model):
    """Names a stream: a category, the sender whose id it is, and the columns of that id."""

    category: Name
    sender: Name | Literal["sender"] = "sender"
    orSender: bool = False  # where the column of the sender is empty, it is who sends the file
    key: list[Name]


class Event(_Model):
    """Which rows become which event, and in which slot."""

    slot: Name
    type: str
    when: Condition | None = None
    occurred: Name | Literal["asserted_at"]
    precision: Name | None = None  # the field that holds year, month or day, where dates come in part
    stream: Stream | None = None
    correlation: Stream | None = None
    payload: dict[Name, Name] = {}
    constants: dict[Name, str | int | bool] = {}


class Skip(_Model):
    """Rows out of scope: counted as skipped, never an error."""

    name: Name
    when: Condition
    sentence: str


class Rule(_Model):
    """A rule a row must keep; a row that breaks it is quarantined, or only counted when a warning."""

    name: Name
    require: Condition
    field: Name
    sentence: str
    severity: Literal["record", "warning"] = "record"
