"""The text of a contract, read safely: plain YAML of a bounded size, in which nothing is left to be decided."""

from typing import Any

import yaml
from pydantic import ValidationError

MAX_VALUES = 100_000
UNDECIDED = "DECIDE"  # what `contract init` writes where only a person can say


def parsed(text: str) -> Any:
    """The content of a contract's text. Raises ValueError or YAMLError where it is no YAML, a bomb, or undecided."""
    content = yaml.load(text, Loader=yaml.CSafeLoader)
    _check_size(content)
    if places := undecided(content):
        raise ValueError(f"still to be decided: {', '.join(places)}")
    return content


def undecided(content: Any, path: str = "") -> list[str]:
    """The places of a contract that hold `DECIDE`."""
    if isinstance(content, dict):
        return [p for key, value in content.items() for p in undecided(value, f"{path}.{key}".lstrip("."))]
    if isinstance(content, list):
        return [p for n, value in enumerate(content) for p in undecided(value, f"{path}[{n}]")]
    return [path] if content == UNDECIDED else []


def short(error: Exception) -> str:
    """What is wrong in one line: of several faults of form the first, with its place."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"
    return str(error)


def _check_size(content: Any) -> None:
    """Raise ValueError where anchors multiply a small file into a huge contract."""
    open_values, seen = [content], 0
    while open_values:
        value = open_values.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise ValueError(f"it holds more than {MAX_VALUES} values, counting those its anchors repeat")
        if isinstance(value, dict):
            open_values += value.values()
        elif isinstance(value, list):
            open_values += value
