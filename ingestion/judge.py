"""A chunk of records of text, under one part of a contract, to typed fields, identity and fate, as SQL.

Reads the table `chunk` (record_no, line_no, line_end and the part's fields as text) and leaves `cleaned`, the same text
as the rules see it, and `judged`: every field typed, the record's key, hash and person, `skipped_as` (why it is out of
scope, else null) and `violations` (the rules it breaks as `rule:field`, the first of which is reported). Identifiers
become pseudonyms in the same pass.
"""

import duckdb

from ingestion import conditions, facts, fields, senders
from ingestion.contract import Contract
from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import hmac_sql

FINE = "skipped_as is null and len(violations) = 0"
REFUSED = "skipped_as is null and len(violations) > 0"
ERASED = "erased"  # why a record of an erased person is skipped
TOGETHER = 20  # checks in one query: DuckDB reserves memory for every expression of a query at once


class Judge:
    """The queries of one part of a contract; made once for a file, run for each chunk.

    A pseudonym is made once for each value of a chunk, not for each record: the same people and staff come again and
    again.
    """

    def __init__(
        self, contract: Contract, catalogue: Catalogue, *, test_numbers_allowed: bool, source_system: str
    ) -> None:
        self.contract = contract
        self._systems = senders.parse(source_system)
        self._allowed = test_numbers_allowed
        self._pseudonyms: dict[str, str] = {}
        self._steps = [
            self._cleaned(),
            *self._checked(),
            *self._looked_up(),
            self._judged(facts.streams(contract, catalogue)),
        ]

    def run(self, con: duckdb.DuckDBPyConnection) -> None:
        for step in self._steps:
            con.execute(step)
        con.execute(f"create or replace temp view valid as select * from judged where {FINE}")

    def _cleaned(self) -> str:
        texts = ", ".join(
            f"{fields.cleaned(p, self.contract)} as {engine.name(p.name)}" for p in self.contract.properties
        )
        return f"create or replace temp table cleaned as select record_no, line_no, line_end, {texts} from chunk"

    def _checked(self) -> list[str]:
        """A table of the records that break a rule of a field, most often empty, with the names of those rules.

        Its columns begin as no field's name may: both are read side by side.
        """
        checks = [
            check
            for prop in self.contract.properties
            for check in fields.checks(prop, self.contract, test_numbers_allowed=self._allowed)
        ]
        steps = ["create or replace temp table broken (_no bigint, _first integer, _names varchar[])"]
        for first in range(0, len(checks), TOGETHER):
            rules = {f"{c.rule}:{c.field}": c.broken for c in checks[first : first + TOGETHER]}
            steps.append(
                f"insert into broken select record_no, {first}, {_names(rules)} from cleaned where {_any(rules)}"
            )
        return steps

    def _looked_up(self) -> list[str]:
        """A table of pseudonyms for each field that becomes one."""
        subject = self.contract.record.subject
        wanted = {p.name: fields.typed(p, self.contract) for p in self.contract.properties if p.logicalType == "staff"}
        if subject.nhs_number:
            wanted[subject.nhs_number] = f"subject_hmac(encode({engine.name(subject.nhs_number)}))"
        if subject.local:
            local = hmac_sql.joined(["'local'", "getvariable('sender')", engine.name(subject.local)])
            wanted[subject.local] = f"subject_hmac({local})"
        self._pseudonyms = {field: f"_pseudonym_{number}" for number, field in enumerate(wanted)}
        return [
            f"""create or replace temp table {table} as
            select {engine.name(field)} as _value, {wanted[field]} as _pseudonym
            from (select distinct {engine.name(field)} from cleaned where {engine.name(field)} is not null)"""
            for field, table in self._pseudonyms.items()
        ]

    def _judged(self, streams: dict[str, str]) -> str:
        contract, record, subject = self.contract, self.contract.record, self.contract.record.subject
        kept = ["record_no", "line_no", "line_end", *(f"{t}._pseudonym as {t}" for t in self._pseudonyms.values())]
        staff = [p.name for p in contract.properties if p.logicalType == "staff"]
        typed = fields.typed_columns(contract, {field: f"{self._pseudonyms[field]}._pseudonym" for field in staff})
        joins = " ".join(
            f"left join {table} on {table}._value = cleaned.{engine.name(field)}"
            for field, table in self._pseudonyms.items()
        )
        nhs = engine.name(subject.nhs_number) if subject.nhs_number else "null::varchar"
        local = engine.name(subject.local) if subject.local else "null::varchar"
        rules = {
            f"{r.name}:{r.field}": f"not {conditions.to_sql(r.require, contract.instants)}"
            for r in contract.rules
            if r.severity == "record"
        }
        if not subject.optional:
            nobody = f"{nhs} is null and {local} is null and len(_broken) = 0"
            rules[f"no_identity:{subject.nhs_number or subject.local}"] = nobody
        asserted = fields.asserted_at(contract)
        names = [engine.text(name) for name in (contract.name, *contract.kind_of_record)]
        key = hmac_sql.joined(
            ["'record'", "getvariable('sender')", "source_system", *names]
            + [f"{engine.name(k)}::varchar" for k in record.key]
        )
        columns = facts.content_columns(contract)
        later = [c for c in columns if contract.field(c).addedIn]
        content, named = engine.hashed_texts([c for c in columns if c not in later], later)
        reference = f"{engine.name(record.reference)}::varchar" if record.reference else "null::varchar"
        subjects = [self._pseudonyms[f] for f in (subject.nhs_number, subject.local) if f]
        skipped = f"coalesce({senders.skip_reason(contract, self._systems, asserted)}, {_skip_reason(contract)})"
        return f"""create or replace temp table judged as
            with typed as (
                select {", ".join(kept)}, {typed}, {_tombstone(contract)} as is_tombstone,
                    coalesce(found._names, []) as _broken
                from cleaned
                left join (
                    select _no, flatten(list(_names order by _first)) as _names from broken group by all
                ) as found on found._no = cleaned.record_no
                {joins}
            ),
            placed as (select *, {senders.system_at(self._systems, asserted)} as source_system from typed)
            select
                *,
                {skipped} as skipped_as,
                if(is_tombstone,
                    list_filter(_broken, lambda v: v not in ({_excused(contract)})),
                    list_concat(_broken, {_named(rules)})) as violations,
                {asserted} as asserted_at,
                id_hmac({key}) as record_key,
                id_hmac({hmac_sql.joined(["is_tombstone::varchar", *content], named)}) as row_hash,
                {f"coalesce({', '.join(subjects)})" if subjects else "null::blob"} as subject_key,
                case when {nhs} is not null then 'nhs_number' when {local} is not null then 'local' end
                    as identity_quality,
                {reference} as source_record_ref,
                {", ".join(f"{sql} as {column}" for sql, column in streams.items()) or "null as _no_stream"}
            from placed"""


def _named(rules: dict[str, str]) -> str:
    """SQL of the list of the names of rules whose condition is true. Most records break none: they build no list."""
    return f"case when {_any(rules)} then {_names(rules)} else [] end" if rules else "[]::varchar[]"


def _any(rules: dict[str, str]) -> str:
    return " or ".join(f"({broken})" for broken in rules.values())


def _names(rules: dict[str, str]) -> str:
    names = ", ".join(f"case when {broken} then {engine.text(name)} end" for name, broken in rules.items())
    return f"list_filter([{names}], lambda v: v is not null)"


def _tombstone(contract: Contract) -> str:
    """A state feed's row that says every slot is empty: its key and nothing else, or what the contract marks so."""
    if contract.record.kind != "state":
        return "false"
    for column, sent in contract.record.tombstone.items():
        return f"coalesce({engine.name(column)} in ({', '.join(engine.text(t) for t in sent)}), false)"
    apart = {*contract.record.key, contract.record.assertedAt}
    rest = [engine.name(p.name) for p in contract.properties if p.name not in apart]
    return f"coalesce({', '.join(rest)}) is null"


def out_of_scope(contract: Contract) -> str:
    """SQL: whether a record of `judged` says that it holds nothing here, so that what it said before is withdrawn.

    It may leave out and break what a tombstone may; where a field cannot be read, it may have been in scope. A record
    of another source system's time was never this one's to withdraw, and one of an erased person leaves no trace.
    """
    unread = f"list_filter(_broken, lambda v: v not in ({_excused(contract)}))"
    return f"""(coalesce(skipped_as not in ('{ERASED}', '{senders.BEFORE}', '{senders.AFTER}'), false)
        and asserted_at is not null and len({unread}) = 0)"""


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
