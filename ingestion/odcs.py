"""The outer form of the Open Data Contract Standard, v3.0.2: what of a contract is the standard's, and what is ours.

A contract may keep to the standard to the letter: then what is ours stands in a custom property named `linkwork`, as
the standard has it for extensions, of the contract and of each field. `folded` writes that form, `unfolded` reads it.
"""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict

OURS = "linkwork"
# What of a contract, an object and a field the standard names itself.
CONTRACT = {
    "apiVersion", "kind", "id", "name", "version", "status", "description", "tenant", "domain", "dataProduct", "tags",
    "servers", "support", "price", "roles", "team", "slaDefaultElement", "slaProperties", "authoritativeDefinitions",
    "customProperties", "contractCreatedTs", "schema",
}  # fmt: skip
ELEMENT = {
    "name",
    "physicalType",
    "description",
    "businessName",
    "authoritativeDefinitions",
    "tags",
    "customProperties",
}
OBJECT = ELEMENT | {"logicalType", "physicalName", "dataGranularityDescription", "properties", "quality"}
PROPERTY = ELEMENT | {
    "primaryKey", "primaryKeyPosition", "logicalType", "logicalTypeOptions", "required", "unique", "classification",
    "examples", "criticalDataElement", "quality",
}  # fmt: skip
# Our types as the standard's; where it has no word for one, ours goes into the custom property too.
TYPES = {"decimal": "number", "timestamp": "date", "list": "array", "nhs_number": "string", "staff": "string",
         "free_text": "string"}  # fmt: skip
SAME = {"decimal", "list"}
ZONES = {1: "zone 1: identifiable", 2: "zone 2: pseudonymised"}
# A format as the standard writes it (JDK DateTimeFormatter).
JDK = {
    "%Y": "yyyy", "%m": "MM", "%-m": "M", "%b": "MMM", "%B": "MMMM", "%d": "dd", "%-d": "d", "%H": "HH", "%-H": "H",
    "%M": "mm", "%S": "ss", "%g": "SSS", "%f": "SSSSSS", "%z": "XXX", "%a": "EEE", "%A": "EEEE", "%%": "'%'",
}  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TeamMember(_Part):
    """Who looks after the feed: at its sender, and here."""

    username: str | None = None
    name: str | None = None
    description: str | None = None
    role: str | None = None
    dateIn: str | None = None
    dateOut: str | None = None
    replacedByUsername: str | None = None


class SlaProperty(_Part):
    """What was agreed with the sender, such as the frequency of files."""

    property: str
    value: Any
    valueExt: Any = None
    unit: str | None = None
    element: str | None = None
    driver: str | None = None


def unfolded(content: Any) -> Any:
    """A contract in which what stood in custom properties named `linkwork` stands where the gate looks for it.

    Raises ValueError where one says again what stands outside it.
    """
    if isinstance(content, list):
        return [unfolded(value) for value in content]
    if not isinstance(content, dict):
        return content
    made = {key: unfolded(value) for key, value in content.items() if key != "customProperties"}
    kept = []
    for one in content.get("customProperties") or []:
        if not isinstance(one, dict) or one.get("property") != OURS:
            kept.append(one)
            continue
        ours = dict(one.get("value") or {})
        logical_type = ours.pop("logicalType", None)  # ours is finer than the standard's
        if twice := sorted(set(ours) & set(made)):
            raise ValueError(f"said inside and outside the custom property {OURS}: {', '.join(twice)}")
        made |= ours | ({"logicalType": logical_type} if logical_type else {})
        if "format" in ours and isinstance(made.get("logicalTypeOptions"), dict):
            made["logicalTypeOptions"] = {k: v for k, v in made["logicalTypeOptions"].items() if k != "format"}
    return made | ({"customProperties": kept} if kept else {})


def folded(content: dict[str, Any]) -> dict[str, Any]:
    """A contract, as it is written here, in the standard's form to the letter."""
    key: list[str] = content.get("record", {}).get("key", [])
    made = _split({**content, "schema": []}, CONTRACT)
    made["schema"] = [
        _split({**one, "properties": [_property(p, key) for p in one["properties"]]}, OBJECT)
        for one in content["schema"]
    ]
    return made


def _property(prop: dict[str, Any], key: list[str]) -> dict[str, Any]:
    ours = dict(prop)
    options = dict(ours.pop("logicalTypeOptions", {}))
    kind = ours.get("logicalType", "string")
    standard = TYPES.get(kind, kind)
    if standard in ("string",):
        options |= {
            new: ours.pop(old) for old, new in (("grammar", "pattern"), ("maxLength", "maxLength")) if old in ours
        }
    if standard in ("integer", "number"):
        options |= {word: ours.pop(word) for word in ("minimum", "maximum") if word in ours}
    if standard == "date" and isinstance(ours.get("format"), str):
        options["format"] = jdk(ours["format"])
    made = _split(ours, PROPERTY, inside={"logicalType": kind} if kind in TYPES and kind not in SAME else {})
    made["logicalType"] = standard
    if options:
        made["logicalTypeOptions"] = options
    made.setdefault("classification", ZONES[prop.get("zone", 2)])
    if prop["name"] in key:
        made |= {"primaryKey": True, "primaryKeyPosition": key.index(prop["name"]) + 1}
    return made


def _split(content: dict[str, Any], standard: set[str], inside: dict[str, Any] | None = None) -> dict[str, Any]:
    ours = {k: v for k, v in content.items() if k not in standard} | (inside or {})
    made = {k: v for k, v in content.items() if k in standard}
    if ours:
        made["customProperties"] = [*made.get("customProperties", []), {"property": OURS, "value": ours}]
    return made


def jdk(format_: str) -> str:
    """A format of ours as the standard writes one: letters that stand for themselves are quoted."""
    parts = re.findall(r"%-?[A-Za-z%]|[A-Za-z]+|[^A-Za-z%]+", format_)
    return "".join(JDK.get(p, f"'{p}'" if p.isalpha() else p) for p in parts)
