"""Codes that a region holds to be sensitive: a record that has one is left out at the gate, and counted.

The list is the region's own (`linkwork reference load sensitive_codes`): the national ones are licensed. Without one
nothing is left out. A record is left out as a whole, whatever else is wrong with it: no event, no row in the
quarantine, no refused text. Codes are compared as they were sent, without regard to case and to blanks around them, and
whatever their code system.
"""

from pathlib import Path

import duckdb

from ingestion import fields
from ingestion.contract import Contract
from linkwork import engine, reference

KIND = "sensitive_codes"
SKIPPED_AS = "sensitive_code"
# What an event holds of codes and of a sender's own categories, by the columns of the catalogue.
CODED = {"code", "reasons", "category", "support_kind", "action_what"}


def codes_of(reference_dir: Path) -> frozenset[str]:
    """The newest list; empty where none was loaded."""
    return frozenset(row["code"] for row in reference.rows(reference_dir, KIND))


def install(con: duckdb.DuckDBPyConnection, codes: frozenset[str]) -> None:
    """Make the table `sensitive_code`, which `leave_out` reads."""
    con.execute("create or replace temp table sensitive_code (code varchar)")
    con.executemany("insert into sensitive_code select upper(trim(?))", [[code] for code in sorted(codes)])


def leave_out(con: duckdb.DuckDBPyConnection, part: Contract) -> None:
    """Skip the records of the chunk in `cleaned` and `judged` that have a sensitive code."""
    coded = dict.fromkeys(
        source for event in part.events for column, source in event.payload.items() if column in CODED
    )
    if not coded:
        return
    sent = [
        fields.elements_of(prop, part) if prop.logicalType == "list" else f"[{engine.name(prop.name)}::varchar]"
        for prop in map(part.field, coded)
    ]
    listed = ", ".join(f"coalesce({one}, [])" for one in sent)
    con.execute(
        f"""update judged set skipped_as = {engine.text(SKIPPED_AS)}
        where skipped_as is null and record_no in (
            select record_no from (select record_no, unnest(flatten([{listed}])) as code from cleaned)
            where upper(trim(code)) in (select code from sensitive_code))"""
    )
