"""`trace`: from rows of a mart to the events, files and lines behind a figure."""

from typing import Annotated, Any

import typer

from linkwork.cli.output import AsJson, KnownAt, command, console, errors, say_json, say_table, settings, utc
from linkwork.settings import Settings

SHORT = 8  # characters of an id in a table; `--json` has them whole


@command
def trace(
    mart: Annotated[str, typer.Argument(help="A mart, such as rpt_uptake.")],
    where: Annotated[str, typer.Option(help="Which of its rows: a SQL condition on its columns.")],
    figure: Annotated[
        str | None, typer.Option(help="The figure to trace; each reporting mart has a first one that is the default.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Also what is not in force: superseded, withdrawn, contested.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Also the raw text of each line; needs the zone 1 key.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many rows of each list; 0 for all. Totals are of all.")] = 50,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """The events, files and lines behind rows of a mart.

    Reads the newest build, or with --known-at the build for that time. Role `counts` is what makes the figure, `places`
    what puts it into its row: who the person is and where they are registered.
    """
    from linkwork.trace.report import trace as traced

    chosen = settings()
    found = traced(
        chosen,
        mart,
        where,
        figure=figure,
        history=history,
        known_at=utc(known_at),
        limit=limit or None,
    )
    if raw:
        found["raw"] = _raw(chosen, found)
    if as_json:
        say_json(found)
    else:
        _say(found)
    for note in found["notes"]:
        errors.print(f"note: {note}", markup=False, soft_wrap=True)


def _raw(chosen: Settings, found: dict[str, Any]) -> dict[str, Any]:
    from ingestion.traced import raw_lines

    opened = raw_lines(chosen, [*found["events"]["rows"], *found["refused"]["rows"]])
    names = {row["load_id"]: row for row in found["files"]["rows"]}
    for file in opened["files"]:
        if file["missing"] and not file["kept"]:
            name = names.get(file["load_id"], {}).get("file_name", file["load_id"])
            found["notes"].append(
                f"The raw text of {name} is not kept any more: it was removed at the end of raw retention "
                f"(LINKWORK_RAW_RETENTION_DAYS, {chosen.raw_retention_days} days)."
            )
    return opened


def _say(found: dict[str, Any]) -> None:
    _say_figure(found)
    behind, events, refused, files = (found[part] for part in ("contributors", "events", "refused", "files"))
    if behind["mart"] != found["mart"] and behind["rows"]:
        columns = [c for c in behind["rows"][0] if c != "contributor"]
        rows = [[_short(c, row[c]) for c in columns] for row in behind["rows"]]
        say_table(f"\nRows of {behind['mart']}", columns, rows)
        _say_shown(behind)
    if events["total"]:
        say_table("\nEvents by type", ("role", "event", "events"), [list(row.values()) for row in events["by_type"]])
        titles = ("of", "role", "event", "state", "occurred", "asserted", "file", "line")
        say_table("\nEvents", titles, [_event(row) for row in events["rows"]])
        _say_shown(events)
    if refused["total"]:
        rows = [[_place(r), *(r[c] for c in ("source_line", "rule", "field", "sentence"))] for r in refused["rows"]]
        say_table("\nRefused records", ("file", "line", "rule", "field", "sentence"), rows)
        _say_shown(refused)
    if files["rows"]:
        console.print("\n[bold]Files[/bold] by SHA-256")
        for row in files["rows"]:
            console.print(f"{row['file_sha256']}  {_printable(_place(row))}", markup=False, soft_wrap=True)
        _say_shown(files)
    if "raw" in found:
        _say_raw(found)


def _say_figure(found: dict[str, Any]) -> None:
    cells, behind, events, figure = found["cells"], found["contributors"], found["events"], found["figure"]
    told = f"{found['mart']}: {cells['total']:,} row{'' if cells['total'] == 1 else 's'}"
    if figure:
        told += f", figure {figure} (or {', '.join(f for f in found['figures'] if f != figure)})"
    console.print(f"{told}; log position {found['warehouse']['position']:,}", soft_wrap=True)
    people = f" about {behind['people']:,} people" if behind["people"] else ""
    told = f"behind: {behind['total']:,} rows of {behind['mart']}{people}, {events['total']:,} events"
    about = f" about {events['people']:,} people" if events["total"] and not people else ""
    console.print(told + about)
    if figure and cells["rows"]:
        say_table("\nRows of the mart", list(cells["rows"][0]), [list(row.values()) for row in cells["rows"]])
        _say_shown(cells)


def _say_raw(found: dict[str, Any]) -> None:
    names = {row["load_id"]: _place(row) for row in [*found["refused"]["rows"], *found["events"]["rows"]]}
    headers = {file["load_id"]: file["header"] for file in found["raw"]["files"] if file["header"]}
    console.print("\n[bold]Raw text[/bold]")
    shown = None
    for record in found["raw"]["records"]:
        load = record["load_id"]
        if load != shown:
            console.print(f"\n{names[load]}", markup=False, soft_wrap=True)
            if load in headers:
                console.print(f"       {_printable(headers[load])}", markup=False, soft_wrap=True, style="dim")
            shown = load
        console.print(f"{record['source_line']:>6} {_printable(record['raw'])}", markup=False, soft_wrap=True)


def _event(row: dict[str, Any]) -> list[Any]:
    return [
        _short("", row["contributor"]),
        row["role"],
        row["event_type"],
        row["state"],
        row["occurred_on"],
        row["asserted_at"],
        _place(row),
        row["source_line"],
    ]


def _place(row: dict[str, Any]) -> str:
    return f"{row['feed']}/{row['sender']}/{row['file_name']}"


def _short(column: str, value: Any) -> Any:
    """Ids are cut, so that a line fits a terminal; a load's id is no hash and stays whole."""
    if isinstance(value, str) and column not in ("load_id",):
        return "|".join(part[:SHORT] if len(part) == 32 else part for part in value.split("|"))
    return value


def _printable(text: str) -> str:
    """Raw text is shown, never obeyed: control characters are written as escapes, its end is left out."""
    plain = text.rstrip("\r\n")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)


def _say_shown(part: dict[str, Any]) -> None:
    if len(part["rows"]) < part["total"]:
        console.print(f"{len(part['rows']):,} of {part['total']:,} shown", style="dim")


def register(app: typer.Typer) -> None:
    app.command()(trace)
