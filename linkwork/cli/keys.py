"""`keys init`: development keys."""

import typer

from linkwork.cli.output import AsJson, command, console, say_json, settings
from linkwork.privacy.keys import create_keys, key_files

keys = typer.Typer(help="The three keys: pseudonyms, ids, zone 1.", no_args_is_help=True)


@keys.command("init")
@command
def keys_init(as_json: AsJson = False) -> None:
    """Make the keys that are missing. For development: a real installation brings keys from its own store."""
    chosen = settings()
    created = create_keys(chosen)
    if as_json:
        say_json({"created": created, "files": key_files(chosen)})
    elif created:
        console.print(f"made {len(created)} keys in {created[0].parent}", soft_wrap=True)
    else:
        console.print("every key is there")


@keys.callback()
def _group() -> None:
    """Keys live outside LINKWORK_HOME."""


def register(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")
