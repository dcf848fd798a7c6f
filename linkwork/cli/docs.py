"""`docs`: the pages that are made from the models and from the definitions of measures."""

from pathlib import Path
from typing import Annotated

import typer

from linkwork.cli.output import AsJson, command, console, errors, say_json, settings
from linkwork.errors import UsageError
from linkwork.settings import PROJECT_ROOT

docs = typer.Typer(help="Pages made from the models and from the definitions of measures.", no_args_is_help=True)

REPORTING = PROJECT_ROOT / "dbt_project" / "models" / "marts"


@docs.command("measures")
@command
def measures(
    out: Annotated[Path, typer.Option(help="The page to write.")] = PROJECT_ROOT / "docs" / "measures.md",
    draft: Annotated[
        str | None, typer.Option(help="Print a draft of the definitions of this mart instead, from its dbt file.")
    ] = None,
) -> None:
    """Write the page about measures; first say what figure of a mart nobody defined."""
    from linkwork.errors import BadDataError
    from linkwork.release import definitions, definitions_page

    marts = definitions.described(REPORTING)
    if draft is not None:
        if draft not in marts:
            raise UsageError(f"there is no mart {draft}", where=str(REPORTING), do=f"use one of {', '.join(marts)}")
        typer.echo(definitions_page.draft(draft, marts[draft]), nl=False)
        return
    defined = definitions.read()
    if faults := definitions.faults(marts, defined):
        raise BadDataError(
            "the definitions of measures are not complete",
            where=str(definitions.FOLDER),
            why="; ".join(faults),
            do="correct them there",
        )
    out.write_text(definitions_page.page(defined), encoding="utf-8")
    console.print(f"wrote {out}: {sum(len(one.measures) for one in defined.values())} measures", soft_wrap=True)


@docs.command("schemas")
@command
def schemas(
    models: Annotated[Path, typer.Option(help="The folder of the marts' dbt files.")] = REPORTING,
    out: Annotated[Path | None, typer.Option(help="The folder to write, where it is another.")] = None,
) -> None:
    """Keep the tables of the next release as what readers rely on; refuse what would break them and is not stated."""
    from linkwork.release import schemas as released

    folder = out or released.FOLDER
    before, now = released.read(folder), released.of_models(models)
    remedy = "add columns and leave what is there, or raise `version` in the model's `meta.linkwork`"
    released.refuse_unstated(before, now, folder, remedy)
    released.write(now, folder)
    for mart, one in released.differences(before, now).items():
        for sentence in [*one.safe, *one.breaking]:
            console.print(f"{mart}: {sentence}", soft_wrap=True, markup=False)
    console.print(f"wrote {folder}: {len(now)} tables", soft_wrap=True)


@docs.command("site")
@command
def site(
    out: Annotated[Path, typer.Option(help="The folder to write; index.html is the whole site.")],
    as_json: AsJson = False,
) -> None:
    """Make the site about the models, with descriptions, SQL, tests and a lineage graph: one file, no network."""
    from linkwork import site as model_site

    made = model_site.make(settings(), out, errors.print)
    if as_json:
        say_json(made)
    else:
        console.print(f"wrote {made['page']}: {made['models']} models, {made['edges']} edges", soft_wrap=True)


@docs.callback()
def _group() -> None:
    """Nothing here reads the log or a release."""


def register(app: typer.Typer) -> None:
    app.add_typer(docs, name="docs")
