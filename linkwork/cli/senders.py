"""`sender`: who may send what, from which systems, under which agreement; and what it is to have no sender any more."""

from datetime import datetime
from typing import Annotated, Any

import typer

from linkwork import reference as data
from linkwork.cli.output import AsJson, command, console, errors, say_json, say_table, settings
from linkwork.errors import BadDataError, UsageError
from linkwork.settings import Settings

sender = typer.Typer(help="Who may send what.", no_args_is_help=True)

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
KINDS = ("practice", "service", "group", "other")


@sender.command("list")
@command
def sender_list(as_json: AsJson = False) -> None:
    """Every registered sender: its feeds, source systems, cadence and agreement."""
    from ingestion.senders import registered

    rows = [_shown(one) for one in registered(settings().reference_dir).values()]
    if as_json:
        say_json(rows)
        return
    columns = (
        "code",
        "name",
        "kind",
        "feeds",
        "source_system",
        "cadence_days",
        "agreement",
        "agreement_to",
        "withdrawn_on",
    )
    say_table("Senders", columns, [[", ".join(r[c]) if c == "feeds" else r[c] for c in columns] for r in rows])


@sender.command("add")
@command
def sender_add(
    code: Annotated[str, typer.Argument(help="ODS code, or the code agreed with the provider.")],
    feed: Annotated[list[str], typer.Option(help="A feed it may send; repeat for several.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    source_system: Annotated[
        list[str],
        typer.Option(
            help="The system its records come from. One that changes supplier has several, each with its first and "
            "last day: TPP@..2025-02-28 and EMIS@2025-03-01.. ; repeat the option."
        ),
    ],
    kind: Annotated[str, typer.Option(help="practice, service, group or other.")] = "other",
    cadence_days: Annotated[int | None, typer.Option(help="How often a file is expected.")] = None,
    agreement: Annotated[str | None, typer.Option(help="The data sharing agreement.")] = None,
    agreement_from: Day = None,
    agreement_to: Day = None,
    first_expected: Day = None,
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of the only source system.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register a sender, or change what is registered under its code."""
    from ingestion import senders
    from linkwork.log.changes import Outcome, change

    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind}", do="use practice, service, group or other")
    systems = senders.parse(";".join(source_system))
    if valid_from is not None:
        if len(systems) > 1:
            raise UsageError("--valid-from is of one source system", do="write NAME@FROM..TO for several")
        systems = (senders.SourceSystem(systems[0].name, valid_from.date(), systems[0].valid_to),)
    one = senders.Sender(
        code, name, kind, frozenset(feed), senders.check(systems), cadence_days, agreement,
        *(day.date() if day else None for day in (agreement_from, agreement_to, first_expected)),
    )  # fmt: skip
    chosen, said = settings(), f"feeds {', '.join(feed)}; {one.source_system}"
    with change(chosen.log_dir, "sender add") as made:
        done = data.add_rows(
            chosen.reference_dir, "senders", "code", senders.rows_of(one),
            before=lambda version, _: made.announce(code, Outcome(said, version)),
        )  # fmt: skip
    if as_json:
        say_json(done)
    else:
        console.print(f"sender {code} " + ("registered" if done["new_version"] else "was registered so before"))
    for other in _not_described(chosen, feed):
        errors.print(f"no contract describes the feed {other}: its files are refused until one does", soft_wrap=True)


@sender.command("withdraw")
@command
def sender_withdraw(
    code: Annotated[str, typer.Argument(help="The sender whose data are removed.")],
    reason: Annotated[str, typer.Option(help="Why; kept on record, so without a person's details.")],
    as_json: AsJson = False,
) -> None:
    """Remove everything a sender sent, for good, and refuse its files from now on. Prints a receipt."""
    from ingestion.withdraw import withdraw_sender

    done = withdraw_sender(settings(), code, reason)
    if as_json:
        say_json(done)
        return
    console.print(
        f"sender {code} withdrawn: {done['events']:,} events are stubs, {done['register_rows']:,} rows of the "
        f"register, {done['files_removed']:,} files and the restricted tiers of {done['releases_redacted']:,} releases "
        "removed",
        soft_wrap=True,
    )
    for left in done["not_cleaned"]:
        console.print(f"not cleaned: {left}", markup=False, soft_wrap=True)
    console.print("run `linkwork build` and `linkwork publish`: the marts are gone until then")


def _not_described(chosen: Settings, feeds: list[str]) -> list[str]:
    """Which feeds no contract describes; none where a contract cannot be read, which `contract check` is for."""
    from ingestion.contract import load_contracts
    from linkwork.log.catalogue import Catalogue

    try:
        return sorted(set(feeds) - set(load_contracts(chosen.contracts_dir, Catalogue.current())))
    except BadDataError:
        return []


def _shown(one: Any) -> dict[str, Any]:
    return {
        "code": one.code, "name": one.name, "kind": one.kind, "feeds": sorted(one.feeds),
        "source_system": one.source_system, "source_systems": [vars(system) for system in one.systems],
        "cadence_days": one.cadence_days, "agreement": one.agreement, "agreement_from": one.agreement_from,
        "agreement_to": one.agreement_to, "first_expected": one.first_expected, "withdrawn_on": one.withdrawn_on,
    }  # fmt: skip


def register(app: typer.Typer) -> None:
    app.add_typer(sender, name="sender")
