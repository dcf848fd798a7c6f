"""A page that lists rows by number, such as docs/faults.md, and the tests that carry a row's number in their names."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from linkwork.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Row:
    """A row of a list: its number, the case and what comes of it in a line each, and why it has no test of its own."""

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


@dataclass(frozen=True)
class Listing:
    """A page and the letter that stands before the numbers of its rows."""

    page: Path
    letter: str

    def rows(self) -> list[Row]:
        """The rows in the order of the page."""
        return _rows(self.page, self.letter)

    def named_tests(self) -> dict[int, list[str]]:
        """For each row the tests whose name holds it, as `path::name`."""
        found: dict[int, list[str]] = {}
        for test in _tests():
            for number in sorted(self.numbers_in(test.rpartition("::")[2])):
                found.setdefault(number, []).append(test)
        return found

    def numbers_in(self, name: str) -> set[int]:
        """The rows a test's name holds: `test_f20_f22_…`, or all of `test_f70_to_f77_…`."""
        one = rf"_{self.letter}(\d{{2,3}})"
        numbers = {int(number) for number in re.findall(rf"{one}(?=_|$)", name)}
        for first, last in re.findall(rf"{one}_to{one}(?=_|$)", name):
            numbers |= set(range(int(first), int(last) + 1))
        return numbers

    def show(self) -> None:
        """Print each row with its tests."""
        named = self.named_tests()
        for row in self.rows():
            print(f"{self.letter.upper()}{row.number:02d} {row.scenario}: {row.without or row.outcome}")
            for test in named.get(row.number, []):
                print(f"    {test}")


@cache
def _rows(page: Path, letter: str) -> list[Row]:
    found = []
    line = re.compile(rf"^\| {letter.upper()}(?P<number>\d{{2,3}}) \|(?P<cells>.+)\|$", re.MULTILINE)
    for match in line.finditer(page.read_text(encoding="utf-8")):
        scenario, outcome, without = (cell.strip() for cell in match["cells"].split("|"))
        found.append(Row(int(match["number"]), scenario, outcome, without))
    return found


@cache
def _tests() -> list[str]:
    """Every test that pytest collects, as `path::name`, read from the sources."""
    return [
        f"{path.relative_to(PROJECT_ROOT)}::{name}"
        for path in sorted((PROJECT_ROOT / "tests").rglob("test_*.py"))
        for name in _functions(ast.parse(path.read_text(encoding="utf-8")))
    ]


def _functions(tree: ast.Module) -> Iterator[str]:
    """The tests that pytest collects: functions of the module and methods of its test classes."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        yield from (
            n.name
            for n in inner
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test_")
        )
