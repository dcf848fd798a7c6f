"""A chunk of records of text, under one part of a contract, to typed fields, identity and fate, as SQL.

Reads the table `chunk` (record_no, line_no, line_end and the part's fields as text) and leaves `judged`: every field
typed, the record's key, hash and person, `skipped_as` (why it is out of scope, else null) and `violations` (the rules
it breaks as `rule:field`, the first of which is reported). Identifiers become pseudonyms in the same pass.
"""

import duckdb

from ingestion import conditions, facts, fields
from ingestion.contract import Contract
from linkwork import engine

FINE = "skipped_as is null and len(violations) = 0"
REFUSED = "skipped_as is null and len(violations) > 0"


class Judge:
    """The query of one part of a contract; made once for a file, run for each chunk."""

    def __init__(self, contract: Contract, *, test_numbers_allowed: bool) -> None:
        self.contract = contract
        self._allowed = test_numbers_allowed
        self._query = self._judged()

    def run(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute(self._query)
        con.execute(f"create or replace temp view valid as select * from judged where {FINE}")

    def _judged(self) -> str:
        contract, record, subject = self.contract, self.contract.record, self.contract.record.subject
        kept = "record_no, line_no, line_end"
        cleaned = ", ".join(f"{fields.cleaned(p, contract)} as {engine.name(p.name)}" for p in contract.properties)
        typed = ", ".join(f"{fields.typed(p, contract)} as {engine.name(p.name)}" for p in contract.properties)
        checks = [
            check
            for prop in contract.properties
            for check in fields.checks(prop, contract, test_numbers_allowed=self._allowed)
        ]
        broken = _named({f"{c.rule}:{c.field}": c.broken for c in checks})
        nhs = engine.name(subject.nhs_number) if subject.nhs_number else "null::varchar"
        local = engine.name(subject.local) if subject.local else "null::varchar"
        rules = {
            f"{r.name}:{r.field}": f"not {conditions.to_sql(r.require, contract.instants)}"
            for r in contract.rules
            if r.severity == "record"
        }
        if not subject.optional:
            nobody = f"{nhs} is null and {local} is null and len(broken) = 0"
            rules[f"no_identity:{subject.nhs_number or subject.local}"] = nobody
        asserted = "getvariable('received_at')" if record.assertedAt == "arrival" else engine.name(record.assertedAt)
        names = ", ".join(
            [engine.text("record"), "getvariable('sender')", "getvariable('source_system')"]
            + [engine.text(name) for name in (contract.name, *contract.kind_of_record)]
            + [f"{engine.name(k)}::varchar" for k in record.key]
        )
        columns = facts.content_columns(contract)
        later = [c for c in columns if contract.field(c).addedIn]
        content = engine.hashed_parts([c for c in columns if c not in later], later)
        reference = f"{engine.name(record.reference)}::varchar" if record.reference else "null::varchar"
        return f"""create or replace temp table judged as
            with cleaned as (select {kept}, {cleaned} from chunk),
            typed as (select {kept}, {typed}, {_tombstone(contract)} as is_tombstone, {broken} as broken from cleaned)
            select
                *,
                {_skip_reason(contract)} as skipped_as,
                if(is_tombstone,
                    list_filter(broken, lambda v: v not in ({_excused(contract)})),
                    list_concat(broken, {_named(rules)})) as violations,
                {asserted} as asserted_at,
                id_hmac(parts_blob([{names}])) as record_key,
                id_hmac(parts_blob(list_prepend(is_tombstone::varchar, {content}))) as row_hash,
                case
                    when {nhs} is not null then subject_hmac(encode({nhs}))
                    when {local} is not null then subject_hmac(parts_blob(['local', getvariable('sender'), {local}]))
                end as subject_key,
                case when {nhs} is not null then 'nhs_number' when {local} is not null then 'local' end
                    as identity_quality,
                {reference} as source_record_ref
            from typed"""


def _named(rules: dict[str, str]) -> str:
    """SQL of the list of the names of rules whose condition is true. Most records break none: they build no list."""
    if not rules:
        return "[]::varchar[]"
    any_broken = " or ".join(f"({broken})" for broken in rules.values())
    names = ", ".join(f"case when {broken} then {engine.text(name)} end" for name, broken in rules.items())
    return f"case when {any_broken} then list_filter([{names}], lambda v: v is not null) else [] end"


def _tombstone(contract: Contract) -> str:
    """A state feed's row with its key and nothing else asserts that every slot is empty."""
    if contract.record.kind != "state":
        return "false"
    apart = {*contract.record.key, contract.record.assertedAt}
    rest = [engine.name(p.name) for p in contract.properties if p.name not in apart]
    return f"coalesce({', '.join(rest)}) is null"


def _excused(contract: Contract) -> str:
    """What a tombstone may leave out: every required field but its key and the time of its assertion."""
    apart = {*contract.record.key, contract.record.assertedAt}
    excused = [f"required:{p.name}" for p in contract.properties if p.name not in apart]
    return ", ".join(engine.text(e) for e in excused)


def _skip_reason(contract: Contract) -> str:
    whens = " ".join(
        f"when {conditions.to_sql(s.when, contract.instants)} then {engine.text(s.name)}" for s in contract.skip
    )
    return f"case {whens} end" if whens else "null::varchar"
