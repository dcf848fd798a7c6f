"""What the truth of a synthetic region says must become of each fault in it, against what became of it."""

import csv
from collections.abc import Iterable
from typing import Any

from tests.support.installation import Installation

Place = tuple[str, str, str]  # feed, sender, file


def noted(made: Installation, region: str) -> list[dict[str, str]]:
    """The faults that the truth of a region lists."""
    with (made.folder / region / "truth" / "faults.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def unmet(made: Installation, region: str) -> list[str]:
    """Every fault whose outcome was another, and every record that was refused without being a fault."""
    loads = {(row["feed"], row["sender"], row["file_name"]): row for row in made.json("load", "list")}
    records = made.json("quarantine", "list", "--limit", "1000000")["records"]
    refused = {(r["feed"], r["sender"], r["file_name"], r["source_line"]): r["rule"] for r in records}
    faults = noted(made, region)
    wrong = [f"{fault}: {found}" for fault in faults if (found := _otherwise(fault, loads, refused))]
    lines = {(f["feed"], f["sender"], f["file"], int(f["line"])) for f in faults if f["line"]}
    return wrong + [f"a good record was refused: {place}" for place in refused.keys() - lines]


def _otherwise(fault: dict[str, str], loads: dict[Place, Any], refused: dict[tuple[str, str, str, int], str]) -> str:
    """What became of a fault in place of what should have; empty where it is as it should be."""
    place = (fault["feed"], fault["sender"], fault["file"])
    if fault["expected_fate"] == "silent":
        return ""  # no file that never came can be seen in what came; see the sources as of the last day
    load, fate = loads.get(place), fault["expected_fate"]
    if load is None:
        return "the file was never seen"
    if not fault["line"]:
        return _of_file(load, fate)
    if load["status"] != "committed":
        return f"the file is {load['status']}"
    rule = refused.get((*place, int(fault["line"])))
    if fate in ("quarantined", "conflict"):
        return "" if rule is not None and rule == fault["expected_rule"] else f"the rule is {rule}"
    if rule is not None:
        return f"refused by {rule}"
    return "" if load[fate] > 0 else f"the file has no {fate} record"


def _of_file(load: dict[str, Any], fate: str) -> str:
    if fate in ("noop", "refused", "held", "committed"):
        return "" if load["status"] == fate else f"the file is {load['status']}"
    return "" if load["status"] == "committed" and load[fate] > 0 else f"the file has no {fate} record"


def kinds(faults: Iterable[dict[str, str]]) -> set[str]:
    return {fault["kind"] for fault in faults}
