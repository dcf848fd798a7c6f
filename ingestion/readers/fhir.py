"""FHIR R4 as JSON: bulk NDJSON, one resource a line, and Bundles, of which each entry is a record.

The type of a resource chooses the part of the contract that describes it. What FHIR says one must not ignore, and the
contract does not know, is refused: a modifier extension, implicit rules, another release. Extensions and contained
resources may be ignored, and are.

A Bundle's entries may refer to each other by their `fullUrl`; such a reference is replaced by the type and id of what
it means. An entry that deletes a resource becomes a record with an id and nothing else, which a state feed takes for a
tombstone. The pages of a search belong into one file, a Bundle a line: a page that names a next one which is not there
would be read as if its resources were all.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.contract import Contract
from ingestion.readers.base import FileRefused
from ingestion.readers.jsonl import JsonlReading, blocks, is_json
from linkwork import engine
from linkwork.json_documents import Element

BUNDLES = ("collection", "searchset", "transaction", "batch", "message", "document", "history")
# Types that only another release has: https://hl7.org/fhir/R4/resourcelist.html
OTHER_RELEASES = {
    "STU3": ("ReferralRequest", "ProcedureRequest", "BodySite", "Sequence", "EligibilityRequest", "DataElement"),
    "R5": ("Transport", "Permission", "ActorDefinition", "Requirements", "GenomicStudy"),
}  # fmt: skip
# Profiles carry their release: CareConnect is UK STU3, hl7.org/fhir/5.0 is R5.
OTHER_PROFILES = r"/(?:STU3|DSTU2)/|CareConnect-|hl7\.org/fhir/(?:1\.0|3\.0|4\.3|5\.0)/"
MODIFIER = r'[{,]\s*"modifierExtension"\s*:'
SENTENCES = {
    "resource_type": "The record does not say what type of resource it is.",
    "fhir_release": "The resource is of another release than FHIR R4.",
    "modifier_extension": "The resource has a modifier extension that the contract does not know.",
    "implicit_rules": "The resource is subject to implicit rules, which are not known.",
    "operation_outcome": "The sender's system reports an error here in the place of a resource.",
    "bundle": "A Bundle stands among single resources; a file is one or the other.",
    "deletion": "The entry does not say by type and id which resource it deletes.",
}
DELETED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")
URN = re.compile(r'"reference"(\s*):(\s*)"(urn:(?:uuid|oid):[^"\\]{1,100})"')


class FhirReading(JsonlReading):
    """One pass over a file of FHIR resources under a contract with an object for each type it reads."""

    def __init__(self, path: Path, contract: Contract) -> None:
        super().__init__(path, contract)
        if self._form in ("array", "document"):
            raise FileRefused(
                "The file is neither NDJSON (one resource a line) nor a Bundle; ask for one of the two."
            )  # fmt: skip

    def _named(self, fault: str) -> tuple[str, str]:
        return (fault, SENTENCES[fault]) if fault in SENTENCES else super()._named(fault)

    # --- Bundles ----------------------------------------------------------------------------------
    def _records(self) -> Iterator[pa.Table]:
        if self._form != "bundle":
            yield from self._lines()
            return
        data, found = self._whole("bundle")
        heads = [_head(number, head) for number, head in enumerate(found.heads, start=1)]
        _prove_pages(heads)
        stamps = [_stamp(head) for head in heads]
        with engine.connect() as con:
            means = _addresses(con, data, found.elements) if b'"urn:' in data else {}
            for table in blocks(data, found.elements):
                yield self._entries(con, self._decoded(table), stamps, means)

    def _entries(
        self,
        con: duckdb.DuckDBPyConnection,
        table: pa.Table,
        stamps: list[str | None],
        means: dict[int, dict[str, str]],
    ) -> pa.Table:
        """The entries as records: the text is the resource's own."""
        con.register("given", table)
        entry = f"case when not deep and {is_json('text')} then text end"
        rows = engine.dicts(
            con.execute(
                f"""select * exclude (said), said[1] as address, said[2] as method, said[3] as url from (
                    select place, line_no, line_end, document, on_line, deep, text, entry,
                        json_extract_string(entry, ['$.fullUrl', '$.request.method', '$.request.url']) as said,
                        json_extract(entry, '$.resource')::varchar as resource
                    from (select *, {entry} as entry from given)) order by place"""
            )
        )
        con.unregister("given")
        made: dict[str, list[Any]] = {name: [] for name in table.column_names}
        for one in rows:
            if record := self._record(one, means.get(one["document"], {})):
                address = one["address"] if record["deleted"] is None else None
                values = one | record | {"fullUrl": address, "timestamp": stamps[one["document"]]}
                for name, column in made.items():
                    column.append(values[name])
        return pa.table(made, schema=table.schema)

    def _record(self, entry: dict[str, Any], means: dict[str, str]) -> dict[str, str | None] | None:
        """The resource's text and, of one that is deleted, its id; None where the entry holds none."""
        if entry["entry"] is None:
            return {"text": entry["text"], "deleted": None}  # no JSON: refused as such
        if entry["resource"] is not None:
            resource = URN.sub(lambda m: f'"reference":"{means.get(m[3], m[3])}"', entry["resource"])
            return {"text": resource, "deleted": None}
        if entry["method"] == "DELETE":
            match = DELETED.fullmatch(entry["url"] or "")
            return {"text": f'{{"resourceType":"{match[1] if match else "?"}"}}', "deleted": match[2] if match else "?"}
        if entry["entry"].strip("{} \t\r\n") == "":
            self.blank += 1  # taken out of the file by an erasure
        else:
            self._skip("no_resource", 1)
        return None

    def _skip(self, reason: str, number: int) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + number

    # --- resources --------------------------------------------------------------------------------
    def _kind(self) -> str:
        return "coalesce(json_extract_string(text, '$.resourceType'), '')"

    def _part(self) -> str:
        kinds = [part.objects[0].resourceType or "" for part in self.contract.parts]
        whens = " ".join(f"when {engine.text(kind)} then {number}" for number, kind in enumerate(kinds))
        return f"case kind {whens} end"

    def _fault(self) -> str:
        foreign = engine.texts([kind for kinds in OTHER_RELEASES.values() for kind in kinds])
        return f"""case
            when fault is not null then fault
            when kind = '' then 'resource_type'
            when kind = '?' then 'deletion'
            when kind = 'Bundle' then 'bundle'
            when kind in {foreign} then 'fhir_release'
            when kind = 'OperationOutcome' then
                case when list_has_any(json_extract_string(text, '$.issue[*].severity'), ['fatal', 'error'])
                    then 'operation_outcome' end
            when contains(text, '"profile"') and regexp_matches(text, {engine.text(OTHER_PROFILES)}) then 'fhir_release'
            when contains(text, '"modifierExtension"') and regexp_matches(text, {engine.text(MODIFIER)})
                then 'modifier_extension'
            when contains(text, '"implicitRules"') and json_exists(text, '$.implicitRules') then 'implicit_rules'
            end"""

    def _skip_others(self, con: duckdb.DuckDBPyConnection) -> None:
        others = con.execute(
            """select if(kind = 'OperationOutcome', 'operation_outcome', 'other_resource'), count(*)
            from records where fault is null and part is null group by 1"""
        ).fetchall()
        for reason, number in others:
            self._skip(reason, number)


def _head(number: int, head: bytes) -> dict[str, Any]:
    """A Bundle without its entries. Raises FileRefused where that is no Bundle of a kind that is read."""
    try:
        found = json.loads(head)
    except (ValueError, RecursionError):
        raise FileRefused(f"Bundle {number} of the file is not valid JSON around its entries.") from None
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        raise FileRefused(f"Document {number} of the file is not a Bundle, as the first one is.")
    if found.get("type") not in BUNDLES:
        raise FileRefused(f"Bundle {number} of the file is of no type that is read ({', '.join(BUNDLES)}).")
    return found


def _stamp(head: dict[str, Any]) -> str | None:
    """When a Bundle was put together, for what of its entries do not say themselves when they changed."""
    meta = head.get("meta")
    found = head.get("timestamp") or (meta.get("lastUpdated") if isinstance(meta, dict) else None)
    return found if isinstance(found, str) else None


def _prove_pages(heads: list[dict[str, Any]]) -> None:
    """Raise FileRefused where a page of a search names a next one that the file does not hold."""
    links = [{str(link.get("relation")): link.get("url") for link in _links(head)} for head in heads]
    here = {link.get("self") for link in links}
    for number, link in enumerate(links, start=1):
        if link.get("next") is not None and link["next"] not in here:
            raise FileRefused(
                f"Bundle {number} of the file says that another page follows, which the file does not hold; put all "
                "pages of the search into one file, a Bundle a line."
            )


def _links(head: dict[str, Any]) -> list[dict[str, Any]]:
    links = head.get("link")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _addresses(con: duckdb.DuckDBPyConnection, data: bytes, found: list[Element]) -> dict[int, dict[str, str]]:
    """What the addresses of entries mean, Bundle by Bundle: only within one do they mean anything."""
    means: dict[int, dict[str, str]] = {}
    for table in blocks(data, found):
        con.register("given", table)
        rows = con.execute(
            """select document, said[1], said[2], said[3] from (
                select document, json_extract_string(case when json_valid(entry) then entry end,
                    ['$.fullUrl', '$.resource.resourceType', '$.resource.id']) as said
                from (select document, try(decode(text)) as entry from given))
            where said[1] is not null and said[2] is not null"""
        ).fetchall()
        con.unregister("given")
        for document, address, kind, identity in rows:
            means.setdefault(document, {})[address] = f"{kind}/{identity or _last(address)}"
    return means


def _last(address: str) -> str:
    return re.split("[/:]", address)[-1]
