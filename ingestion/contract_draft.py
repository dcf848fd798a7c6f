"""A contract drafted from a file: everything guessed is written out, nothing is left to be sniffed at ingestion.

What only a person can say is `DECIDE`, which `contract check` refuses; what was guessed is listed in comments.
"""

from pathlib import Path
from typing import Any

import yaml

from ingestion.contract_guess import CHANGED, CODED, REFERENCE, UNKNOWN_TIME, Guess, guess, name_of
from ingestion.contract_sample import Sample, sample
from ingestion.contract_text import UNDECIDED


def drafted(path: Path, feed: str | None = None, *, header: bool = False) -> str:
    """The text of a contract for a file's feed. Raises UsageError where the file cannot be learnt from.

    `header` is a person's word that the first line, or what else names the columns, holds names.
    """
    seen = sample(path, header=header)
    taken: set[str] = set()
    guesses = [guess(header, values, taken) for header, values in seen.columns.items()]
    name = feed or name_of(path.stem, set())
    record, decide, checks = _record(guesses)
    decide += [f"{g.prop['name']}: {one}" for g in guesses for one in g.decide]
    checks = [*(f"the file: {note}" for note in seen.notes), *_file_checks(seen), *checks]
    checks += [f"{g.prop['name']}: {check}" for g in guesses for check in g.checks]
    required = [g.prop["name"] for g in guesses if g.prop.get("required")]
    checks += [f"required, because never empty in the sample: {', '.join(required)}"] if required else []
    lines = [
        f"# Drafted from {seen.rows} records of one file. Take the decisions, look through the guesses, then delete",
        f"# both lists. Until no {UNDECIDED} is left, `linkwork contract check` refuses the contract.",
        "#",
        "# To decide:",
        *(f"#   {one}" for one in decide),
        "#",
        "# Guessed; to be checked:",
        *(f"#   {one}" for one in checks),
        "apiVersion: v3.0.2",
        "kind: DataContract",
        f"id: linkwork-{name.replace('_', '-')}",
        f"name: {name}",
        "version: 1.0.0",
        "status: draft",
        "description:",
        f"  purpose: {UNDECIDED}",
        f"  limitations: {UNDECIDED}",
        "schema:",
        "  - name: record",
        "    properties:",
        *(f"      - {_flow(_ordered(g.prop))}" for g in guesses),
        f"file: {_flow({**seen.form, 'nullTokens': [''], 'unknownColumns': 'refuse', 'refusedThreshold': 0.05})}",
        "record:",
        *(f"  {key}: {_flow(value)}" for key, value in record.items()),
        "events:",
        f"  - slot: {UNDECIDED}",
        f"    type: {UNDECIDED}",
        f"    occurred: {_happened(guesses) or UNDECIDED}",
        "    payload: {}",
    ]
    return "\n".join(lines) + "\n"


def _record(guesses: list[Guess]) -> tuple[dict[str, Any], list[str], list[str]]:
    """The record's part, what is to be decided, and what to check."""
    decide = [
        "description: what the feed is for, and what its figures do not say",
        "record.kind: state (each file repeats the present row of each record) or event (each record happened once)",
    ]
    checks = []
    record: dict[str, Any] = {"kind": UNDECIDED}
    key = next((g for g in sorted(guesses, key=_key_rank) if g.unique and not g.person and _identifies(g)), None)
    record["key"] = [key.prop["name"] if key else UNDECIDED]
    if key:
        record |= {"reference": key.prop["name"]} if key.prop.get("zone") != 1 else {}
        checks.append(f"record.key: {key.prop['name']} differs in every record of the sample")
    else:
        decide.append("record.key: the columns that together name a record; none does alone")
    times = [g for g in guesses if g.prop.get("logicalType") == "timestamp" and g.prop.get("required")]
    asserted = next((g for g in times if CHANGED & g.words), None)
    if asserted:
        if asserted.prop.pop("unknownTime", None):
            asserted.checks.remove(UNKNOWN_TIME)
        record["assertedAt"] = asserted.prop["name"]
        checks.append(f"record.assertedAt: {asserted.prop['name']} seems to say when the source said so")
    else:
        record["order"] = "arrival"
        checks.append("record.order: no column seems to say when the source said so, so files count as they arrive")
    people = {g.person: g.prop["name"] for g in reversed(guesses) if g.person}
    record["subject"] = people or {"optional": True}
    if "nhs_number" not in people and people:
        record["identityExpected"] = "local"
    if not people:
        checks.append("record.subject: no column seems to identify a person")
    practice = next((g for g in guesses if g.practice), None)
    if practice:
        record["practice"] = practice.prop["name"]
        checks.append(f"record.practice: {practice.prop['name']} has the form of a practice's code")
    decide.append("events: which rows become which event of ingestion/catalogue, in which slot, with which columns")
    return record, decide, checks


def _key_rank(one: Guess) -> tuple[bool, bool]:
    return not ({"id", "identifier", "ref", "reference"} & one.words), not (REFERENCE & one.words)


def _identifies(one: Guess) -> bool:
    return bool(one.prop.get("required")) and "grammar" in one.prop and not CODED & one.words - {"referral", "contact"}


def _happened(guesses: list[Guess]) -> str | None:
    """The first date or time that is neither a birth nor the time of the extract."""
    for one in guesses:
        if (
            one.prop.get("logicalType") in ("date", "timestamp")
            and one.prop.get("zone") != 1
            and not CHANGED & one.words
        ):
            return str(one.prop["name"])
    return None


def _file_checks(seen: Sample) -> list[str]:
    found = []
    if seen.form.get("delimiter", ",") != ",":
        found.append(f"file.delimiter: {seen.form['delimiter']!r}")
    if seen.form.get("encoding", "utf-8") != "utf-8":
        found.append(f"file.encoding: {seen.form['encoding']}")
    return found


def _ordered(prop: dict[str, Any]) -> dict[str, Any]:
    order = ("name", "source", "logicalType", "format", "yearsFrom", "timezone", "required", "zone")
    return {k: prop[k] for k in order if k in prop} | {k: v for k, v in prop.items() if k not in order}


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return value
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text.strip()
