"""Files in the forms of the systems of vendors, through the gate alone under the contracts that the project ships."""

from pathlib import Path
from typing import Any

from ingestion.contract import load_contract
from linkwork.settings import Settings
from tests.support.gate import CATALOGUE, Staged, stage

ONE, TWO = "9990000018", "9990000026"
INSTALLED: Path = Settings.model_fields["contracts_dir"].default


def staged(folder: Path, feed: str, header: str, *lines: str) -> Staged:
    described = load_contract(INSTALLED / f"{feed}.yaml", CATALOGUE)
    return stage(folder, described, "\n".join([header, *lines]) + "\n")


def said(made: Staged, category: str, columns: str = "") -> dict[int, list[tuple[Any, ...]]]:
    """The facts of each record by its number in the file."""
    shown = f"record_no, event_type{', ' + columns if columns else ''}"
    found: dict[int, list[tuple[Any, ...]]] = {}
    if list((made.folder / "facts" / category).glob("*.parquet")):
        for number, *fact in made.read(f"facts/{category}/*.parquet", shown, "order by record_no, slot, event_type"):
            found.setdefault(number, []).append(tuple(fact))
    return found
