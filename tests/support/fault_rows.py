"""The list of faults (docs/faults.md) and the tests that are named after its rows, read from the sources.

`python -m tests.support.fault_rows` prints each row with its tests.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from linkwork.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "faults.md"
ROW = re.compile(r"^\| F(?P<number>\d{2,3}) \|(?P<cells>.+)\|$", re.MULTILINE)
RANGE = re.compile(r"_f(\d{2,3})_to_f(\d{2,3})(?=_|$)")
ONE = re.compile(r"_f(\d{2,3})(?=_|$)")


@dataclass(frozen=True)
class Row:
    """A row of the list: its number, the scenario and outcome in a line each, and why it has no test of its own."""

    number: int
    scenario: str
    outcome: str
    without: str

    @property
    def why(self) -> str:
        """`later` or `not applicable`; empty for a row that must have a test."""
        return self.without.partition(":")[0].strip()

    @property
    def reason(self) -> str:
        return self.without.partition(":")[2].strip()


@cache
def rows() -> list[Row]:
    """The rows in the order of the page."""
    found = []
    for match in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        scenario, outcome, without = (cell.strip() for cell in match["cells"].split("|"))
        found.append(Row(int(match["number"]), scenario, outcome, without))
    return found


@cache
def named_tests() -> dict[int, list[str]]:
    """For each row the tests whose name holds it, as `path::name`."""
    found: dict[int, list[str]] = {}
    for path in sorted((PROJECT_ROOT / "tests").rglob("test_*.py")):
        for name in _functions(ast.parse(path.read_text(encoding="utf-8"))):
            for number in sorted(numbers_in(name)):
                found.setdefault(number, []).append(f"{path.relative_to(PROJECT_ROOT)}::{name}")
    return found


def numbers_in(name: str) -> set[int]:
    """The rows a test's name holds: `test_f20_f22_…`, or all of `test_f70_to_f77_…`."""
    numbers = {int(one) for one in ONE.findall(name)}
    for first, last in RANGE.findall(name):
        numbers |= set(range(int(first), int(last) + 1))
    return numbers


def _functions(tree: ast.Module) -> Iterator[str]:
    """The tests that pytest collects: functions of the module and methods of its test classes."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        yield from (
            n.name
            for n in inner
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test_")
        )


if __name__ == "__main__":
    for row in rows():
        print(f"F{row.number:02d} {row.scenario}: {row.without or row.outcome}")
        for test in named_tests().get(row.number, []):
            print(f"    {test}")
