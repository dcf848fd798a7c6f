"""A field may have any name: what the gate calls its own columns and tables is either refused or does not matter."""

import ast
import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

import ingestion
from ingestion.contract import Contract
from ingestion.contract_guess import name_of
from ingestion.properties import RESERVED
from tests.support.gate import Staged, contract, stage

HEADER = ["id", "nhs", "day", "asset", "what", "who"]
ROWS = [
    ["a", "9990000018", "2025-01-01", "green", "went", "s1"],
    ["b", "", "2025-01-02", "BLUE", "went", "s1"],
    ["c", "9990000018", "2025-01-03", "red", "out", ""],
    ["d", "9990000018", "2025-01-04", "red", "odd", "s2"],
    ["e", "", "2025-01-05", "", "went", "s2"],
]
BROKEN = 3  # the row whose further fields break their grammar
FORMATS = {"csv": "csv", "jsonl": "jsonl", "parquet": "csv"}  # of a contract that takes the form
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def words() -> list[str]:
    """Every word of the gate's own SQL, and of other things it says, that could be the name of a field."""
    nodes = [n for path in Path(ingestion.__file__).parent.rglob("*.py") for n in ast.walk(ast.parse(path.read_text()))]
    prose = {ast.get_docstring(n, clean=False) for n in nodes if isinstance(n, DOCUMENTED)}
    said = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)} - prose
    sql = [text for text in said if re.search(r"\b(select|from|case|as|when)\b", text)]
    found = {word for text in sql for word in re.findall(r"\b[a-z][a-z0-9_]{0,62}\b", text)}
    return sorted(found - RESERVED - set(HEADER))


def described(form: str, further: Sequence[str]) -> Contract:
    """A contract that uses a field in every way there is, and has further ones that are called so."""
    fields = [
        "{name: id, required: true}",
        "{name: nhs, logicalType: nhs_number, zone: 1}",
        "{name: day, logicalType: date, format: '%Y-%m-%d', required: true}",
        "{name: asset, grammar: '[a-z]+'}",
        "{name: what}",
        "{name: who, logicalType: staff, zone: 1}",
        *(f"{{name: '{name}', source: x{n}, grammar: '[a-z]+'}}" for n, name in enumerate(further)),
    ]
    return contract(
        *fields,
        file=f"{{format: {FORMATS[form]}, refusedThreshold: 1}}",
        record="reference: id, assertedAt: day, subject: {nhs_number: nhs, optional: true}",
        events="""[{
            slot: e, type: activity.attended, when: {in: {what: [went]}}, occurred: day, payload: {asset_id: asset}
        }]""",
        more="""
skip: [{name: out, sentence: s, when: {in: {what: [out]}}}]
rules: [{name: odd, sentence: s, require: {not_in: {what: [odd]}}, field: what}]
""",
    )


def sent(form: str, further: int) -> bytes:
    """The rows as a file of this form."""
    header = [*HEADER, *(f"x{n}" for n in range(further))]
    rows = [[*row, *["NO" if number == BROKEN else "ok"] * further] for number, row in enumerate(ROWS)]
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        return text.getvalue().encode()
    if form == "jsonl":
        lines = [json.dumps({k: v or None for k, v in zip(header, row, strict=True)}) for row in rows]
        return "\n".join(lines).encode() + b"\n"
    whole = io.BytesIO()
    pq.write_table(pa.table({name: [row[n] for row in rows] for n, name in enumerate(header)}), whole)
    return whole.getvalue()


def outcome(made: Staged, meant: dict[str, str]) -> list[Any]:
    """All that the gate made of a file, with the further fields under the names they stand for."""
    quarantine = made.read("quarantine/*.parquet", "record_no, source_line, line_end, rule, sentence, violations")
    named = [(*row, [_renamed(violation, meant) for violation in broken]) for *row, broken in quarantine]
    records = """record_no, line_no, line_end, asserted_at::varchar, subject_key, identity_quality, source_system,
        source_record_ref"""
    return [
        {count: made.profile[count] for count in ("records", "valid", "skipped", "refused")},
        named,
        made.read("records/*.parquet", records, "order by all"),
        made.read("facts/**/*.parquet", "record_no, event_type, activity_asset_id", "order by all"),
    ]


def _renamed(violation: str, meant: dict[str, str]) -> str:
    rule, field = violation.split(":")
    return f"{rule}:{meant.get(field, field)}"


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_field_may_have_any_name_that_is_not_reserved(tmp_path: Path, form: str) -> None:
    names = words()
    assert {"place", "rule", "text", "select"} <= set(names)
    neutral = [f"q{number}q" for number in range(len(names))]
    found = []
    for further in (neutral, names):
        folder = tmp_path / further[0]
        folder.mkdir()
        made = stage(folder, described(form, further), sent(form, len(further)))
        found.append(outcome(made, dict(zip(further, neutral, strict=True))))
    assert found[1] == found[0]
    assert found[0][0]["valid"] == 2
    assert len(found[0][1]) == 2  # a text in capitals, and what is odd together with what breaks a grammar


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_name_of_the_gates_own_is_refused_and_never_drafted(name: str) -> None:
    with pytest.raises(ValidationError, match="a word of Linkwork's own"):
        contract("{name: id}", f"{{name: {name}}}")
    assert name_of(name, set()) == f"{name}_2"
