"""`erase` and `legal-hold`: the right to be forgotten, and what stands against it."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import EXIT_BAD_DATA, UsageError
from linkwork.log import operations, tombstones
from linkwork.privacy import holds, subjects
from linkwork.privacy.keys import Keys, load_keys
from linkwork.settings import Settings

NumberFile = Annotated[
    str | None,
    typer.Option(
        "--nhs-number-file",
        help="A file with the person's NHS number (several, if they had several), one a line; - for standard input. "
        "Never an argument, which a list of processes would show.",
    ),
]
Subject = Annotated[
    list[str] | None, typer.Option("--subject", help="A pseudonym, as person_id in the marts; repeat for several.")
]

hold = typer.Typer(help="Legal holds: people who may not be erased.", no_args_is_help=True)


@command
def erase(
    nhs_number_file: NumberFile = None,
    subject: Subject = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the receipt, so without a person's details.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Change nothing: search every byte for the person.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Carry out an erasure that was cut off.")] = False,
    reapply: Annotated[
        bool, typer.Option("--reapply", help="Erase again whom a restored copy of the log brought back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase one person everywhere below the home; a keyed tombstone keeps redelivered files from bringing them back."""
    from ingestion import erase as erasure

    chosen = settings()
    if resume or reapply:
        found = erasure.resume(chosen) if resume else [r for r in [erasure.reapply(chosen)] if r is not None]
        _say(found, as_json=as_json)
        return
    keys = load_keys(chosen)
    numbers, keys_given = _who(nhs_number_file, subject)
    if verify:
        _verify(chosen, keys, numbers, keys_given, as_json=as_json)
        return
    if not reason:
        raise UsageError("an erasure needs a reason", do="give --reason")
    operations.refuse_number(reason)
    _say([erasure.erase_person(chosen, numbers, keys_given, reason)], as_json=as_json)


def _who(nhs_number_file: str | None, subject: list[str] | None) -> tuple[list[str], list[bytes]]:
    if nhs_number_file is None and not subject:
        raise UsageError("nobody is named", do="give --nhs-number-file FILE, or --subject KEY")
    numbers: list[str] = []
    if nhs_number_file is not None:
        path = Path(nhs_number_file)
        if nhs_number_file != "-" and not path.is_file():
            raise UsageError("no such file", where=nhs_number_file)
        text = sys.stdin.read() if nhs_number_file == "-" else path.read_text()
        for line, content in enumerate(text.splitlines(), start=1):
            if content.strip():
                try:
                    numbers.append(subjects.nhs_number(content))
                except UsageError as error:
                    raise UsageError(error.what, where=f"{nhs_number_file}, line {line}", why=error.why) from None
        if not numbers:
            raise UsageError("the file names nobody", where=nhs_number_file)
    return numbers, [subjects.subject_key(text) for text in subject or []]


def _verify(chosen: Settings, keys: Keys, numbers: list[str], given: list[bytes], *, as_json: bool) -> None:
    """Exit code 65 where the person was found, or where something could not be searched."""
    from linkwork.privacy.scan import Needles, scan

    pseudonyms = [*given, *(key for n in numbers for key in subjects.pseudonyms(n, keys))]
    erasures = tombstones.erasures(chosen.log_dir)
    result = scan(chosen.home, Needles.of(numbers, pseudonyms), keys.zone1, erasures=erasures)
    if as_json:
        say_json({**vars(result), "hits": [vars(h) for h in result.hits],
                  "unreadable": [vars(u) for u in result.unreadable], "clean": result.clean})  # fmt: skip
    else:
        verdict = "the person was not found" if result.clean else f"found in {len(result.hits)} places"
        if not result.hits and result.unreadable:
            verdict = "not found in what could be read"
        console.print(f"{result.files:,} files, {result.bytes:,} bytes: {verdict}")
        for one in result.hits:
            errors.print(f"{one.path} ({one.inside}): {one.kind}, {one.encoding}", markup=False, soft_wrap=True)
        for other in result.unreadable:
            errors.print(f"could not be searched: {other.path} ({other.inside}): {other.reason}", markup=False)
    if not result.clean:
        raise typer.Exit(EXIT_BAD_DATA)


def _say(receipts: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        say_json(receipts)
        return
    if not receipts:
        console.print("nothing to do: no erasure was cut off, and nobody who was erased is in the log")
    for receipt in receipts:
        counts = ("events", "register_rows", "raw_records", "files_removed", "releases_redacted")
        say_table(f"Erasure {receipt['erasure_id']}", ("what", "number"), [(c, receipt[c]) for c in counts])
        if receipt["unlinked_senders"]:
            console.print(
                "these senders have rows that name nobody by NHS number; ask them to remove the person's: "
                + ", ".join(receipt["unlinked_senders"]),
                soft_wrap=True,
            )
        for place in receipt["not_cleaned"]:
            console.print(f"not cleaned: {place}", soft_wrap=True)
        console.print("run `linkwork build` and `linkwork publish`; prove it with `linkwork erase --verify`")


@hold.command("place")
@command
def hold_place(
    reason: Annotated[str, typer.Option(help="Why; without a person's details.")],
    nhs_number_file: NumberFile = None,
    subject: Subject = None,
    as_json: AsJson = False,
) -> None:
    """Forbid the erasure of a person."""
    chosen = settings()
    keys = load_keys(chosen)
    numbers, given = _who(nhs_number_file, subject)
    wanted = [*given, *(key for n in numbers for key in subjects.pseudonyms(n, keys))]
    hold_id = holds.place(chosen.log_dir, wanted, reason, keys)
    if as_json:
        say_json({"hold_id": hold_id})
    else:
        console.print(f"legal hold {hold_id} placed")


@hold.command("lift")
@command
def hold_lift(
    hold_id: Annotated[str, typer.Argument(help="See `legal-hold list`.")],
    reason: Annotated[str, typer.Option(help="Why it is over.")],
    as_json: AsJson = False,
) -> None:
    """End a legal hold."""
    holds.lift(settings().log_dir, hold_id, reason)
    if as_json:
        say_json({"hold_id": hold_id})
    else:
        console.print(f"legal hold {hold_id} lifted")


@hold.command("list")
@command
def hold_list(as_json: AsJson = False) -> None:
    """The holds that stand. They name nobody."""
    columns = ("hold_id", "recorded_at", "actor", "reason")
    rows = [{c: row[c] for c in columns} for row in holds.standing(settings().log_dir)]
    unique = list({row["hold_id"]: row for row in rows}.values())
    if as_json:
        say_json(unique)
    else:
        say_table("Legal holds", columns, [list(row.values()) for row in unique])


def register(app: typer.Typer) -> None:
    app.command()(erase)
    app.add_typer(hold, name="legal-hold")
