"""Every value put into SQL text passes the helpers of `linkwork.engine`, or is SQL that our own code made.

A check of the source, as good as one can be that runs nothing: it knows an f-string that is given to `execute`, itself
or through a variable of its function, and asks of each part that it is (a) made by a helper, (b) a number, (c) a
constant, or (d) text of SQL by its name or by the function that gives it, both listed here with what they promise. A
path or the name of a file, sender, feed, column or load is none of these, and so must pass a helper.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("ingestion", "linkwork", "expectations")
RUNS = {"execute", "executemany", "sql", "query", "_execute", "_copy", "row", "dicts"}
HELPERS = {"name", "text", "texts", "int", "len", "float", "min", "max", "_quoted", "_literal"}

# Functions and properties that give SQL, made with the helpers; their own f-strings are judged by the second test.
GIVES_SQL = {
    "relation", "current_loads", "newest", "of_senders", "not_withdrawn", "to_sql", "typed", "cleaned", "in_event",
    "checks", "_skip_reason", "_tombstone", "_excused", "_ddl", "_round_trip", "_parsed", "_elements", "_columns",
    "staged_records", "staged_refusals",
}  # fmt: skip
SUSPECT = {
    "path",
    "file",
    "folder",
    "file_name",
    "sha256",
    "file_sha256",
    "sender",
    "load_id",
    "target",
    "source",
    "stem",
}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def called(node: ast.expr) -> str | None:
    if isinstance(node, ast.Call):
        target = node.func
        return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", None)
    return None


def run_strings(function: ast.FunctionDef) -> Iterator[ast.JoinedStr]:
    """The f-strings that are run: arguments of a call that runs SQL, or assigned to a variable that is one."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and called(node) in RUNS:
            for argument in node.args:
                values = assigned.get(argument.id, []) if isinstance(argument, ast.Name) else [argument]
                for value in values:
                    yield from (part for part in ast.walk(value) if isinstance(part, ast.JoinedStr))


def raw_parts(function: ast.FunctionDef, string: ast.JoinedStr) -> Iterator[ast.expr]:
    """What stands in an f-string as it is and is, by its name, a path or a name."""
    for part in string.values:
        if isinstance(part, ast.FormattedValue) and not safe(part.value):
            yield part.value


def safe(value: ast.expr) -> bool:
    """Whether a part is known to be SQL or to be quoted."""
    match value:
        case ast.Constant():
            return True
        case ast.Call():
            name = called(value)
            return name in HELPERS or name in GIVES_SQL or not mentions_suspect(value)
        case ast.IfExp():
            return safe(value.body) and safe(value.orelse)
        case ast.JoinedStr():
            return all(safe(p.value) for p in value.values if isinstance(p, ast.FormattedValue))
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.BinOp():
            return not mentions_suspect(value)
    return False


def mentions_suspect(value: ast.expr) -> bool:
    """Whether the part itself is a path or a name, not an argument of a helper within it."""
    if isinstance(value, ast.Call) and called(value) in HELPERS | GIVES_SQL:
        return False
    if isinstance(value, ast.Name) and value.id in SUSPECT:
        return True
    if isinstance(value, ast.Attribute):
        return value.attr in SUSPECT or value.attr == "name" or mentions_suspect(value.value)
    return any(mentions_suspect(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr))


def found(source: str) -> list[str]:
    """The unquoted parts of a program's SQL, each with its line."""
    problems = set()
    for function in functions(ast.parse(source)):
        for string in run_strings(function):
            problems |= {f"{part.lineno}: {ast.unparse(part)}" for part in raw_parts(function, string)}
    return sorted(problems)


def test_f51_f62_f63_no_name_or_path_reaches_sql_unquoted():
    problems = {
        str(path.relative_to(ROOT)): parts
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (parts := found(path.read_text()))
    }
    assert problems == {}


@pytest.mark.parametrize(
    "line",
    [
        "con.execute(f\"select * from read_parquet('{path}')\")",
        "con.execute(f'select {column.name} from t')",
        "query = f\"select 1 where load_id = '{load_id}'\"\n    con.execute(query)",
        "con.execute('select 1' + f\" from '{folder / name}'\")",
        "con.execute(f\"select {', '.join(p.name for p in properties)} from t\".strip())",
    ],
)
def test_the_check_sees_what_it_is_for(line):
    assert found(f"def f():\n    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "con.execute(f'select * from read_parquet({engine.text(path)})')",
        "con.execute(f'select {engine.name(p.name)} from {store.events.relation()}')",
        "con.execute(f'select {int(n)}')",
        "con.execute('select ?', [path])",
    ],
)
def test_the_check_lets_the_helpers_pass(line):
    assert not found(f"def f():\n    {line}\n")
