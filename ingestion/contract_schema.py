"""The form of a contract as JSON Schema, so that an editor completes and checks it while it is written."""

from typing import Any

from ingestion.conditions import FIELDS
from ingestion.contract import OWN, Contract

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema of a contract, with one schema object or several."""
    parts: dict[str, Any] = Contract.model_json_schema(by_alias=True)["$defs"]
    made: dict[str, Any] = parts.pop("Contract")  # a contract holds contracts, its parts, which are not written as such
    for inner in ("others", "several"):
        made["properties"].pop(inner, None)
    parts["Condition"] = _condition()
    for owner, field in (("Skip", "when"), ("Rule", "require"), ("Event", "when")):
        parts[owner]["properties"][field] = {"$ref": "#/$defs/Condition"}
    # Where a file holds several kinds of record, each object says for itself what else the contract says once.
    own = {word: made["properties"][word] for word in OWN}
    parts["SchemaObject"]["properties"] |= own
    made["properties"]["schema"].pop("maxItems", None)
    made["required"] = [word for word in made["required"] if word not in OWN]
    parts["Property"]["properties"]["logicalTypeOptions"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "pattern": {"type": "string"},
            "maxLength": {"type": "integer"},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
        },
    }
    parts["Property"]["properties"]["logicalType"]["enum"] += ["number", "array"]
    return {"$schema": DIALECT} | made | {"title": "Linkwork data contract", "$defs": parts}


def _condition() -> dict[str, Any]:
    again = {"$ref": "#/$defs/Condition"}
    field = {"type": "string"}
    one_of_values = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"type": "array"},
    }
    forms: dict[str, Any] = dict.fromkeys(("present", "absent"), field)
    forms |= dict.fromkeys(("in", "not_in"), one_of_values)
    forms |= {
        word: {"type": "array", "items": field, "minItems": len(taken), "maxItems": len(taken)}
        for word, taken in FIELDS.items()
    }
    one_field = {"type": "object", "minProperties": 1, "maxProperties": 1}
    forms |= {"matches": one_field, "not_before_date": one_field}
    forms |= {word: {"type": "array", "items": again, "minItems": 1} for word in ("all", "any")}
    forms["not"] = again
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": forms,
    }
