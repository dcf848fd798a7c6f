"""The paths by which a contract names a field of a JSON record, and the SQL they become.

    $.meta.lastUpdated                                    a field of a field
    $."Datum der Überweisung"."NHS No."                   a name of other characters than letters, digits, _ and -
    $.type[0].coding[0].code                              a member of a list, from 0
    $.identifier[system=https://fhir.nhs.uk/Id/nhs-number].value
                                                          of the members of which one field has a value
    $.reasonCode[*].coding[system=http://snomed.info/sct].code
                                                          of every member of a list; a field of type `list` takes all,
                                                          any other the first that is there
    $.subject.identifier{system=https://x.y/z}.value      of an object, where one of its fields has a value
    $.identifier[system=x]{use!=old}.value                … where that field, if it is there, has another value
    $.code.coding[system=x]{code in domain}.code          … where it has one of the values that the field `domain` lists
    $.focus.identifier{assigner}.value                    … where it has that field
    $.subject.reference|id(Patient)                       of a reference to that type of resource, the id
    $.owner.reference|type                                of a reference, the type of resource
    $.questionnaire|canonical  |version  |tail            of an address, without its version; its version; its last part
    $.onsetDateTime|precision                             of a date: year, month or day
    $.occurrencePeriod.start or $.occurrenceDateTime      the first that is there
    $.created|instant                                     of a date or a time, only the time
    $.id|as(Encounter)                                    with the type of resource before it
    @fullUrl  @timestamp  @deleted                        what a Bundle says of the entry: its address, the Bundle's
                                                          time, the id of the resource that it deletes

A path holds no SQL: names and values are of a narrow set, or in quotation marks and without any, and reach SQL as
quoted text alone. All paths of one kind of record are read in one parse of its text: DuckDB casts the text to one
nested type, of which each path takes its part.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linkwork import engine

NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,62}"
# What ends a quoted name, or is more than a name to DuckDB: a quotation mark, a backslash, an asterisk alone.
QUOTED = r'"(?!\*")[^"\\\x00-\x1f\x7f\ud800-\udfff]{1,200}"'
KEY = rf"(?:{NAME}|{QUOTED})"
VALUE = r"[A-Za-z0-9:/._#?&%+-]{1,200}"
STEP = re.compile(
    rf"\.(?P<name>{KEY})|\[(?P<index>\d{{1,4}})\]|\[(?P<every>\*)\]|\[(?P<of>{KEY})=(?P<equals>{VALUE})\]"
    rf"|\{{(?P<has>{KEY})(?:=(?P<being>{VALUE})|!=(?P<other>{VALUE})| in (?P<listed>{NAME}))?\}}"
)
FUNCTION = re.compile(r"\|(?P<name>[a-z]+)(?:\((?P<argument>[A-Za-z]{1,40})\))?")
ID = "[A-Za-z0-9.-]{1,64}"
VARIABLES = ("fullUrl", "timestamp", "deleted")
VARIABLE = re.compile(rf"@({'|'.join(VARIABLES)})(?=\||$)")
OR = re.compile(r' or (?=(?:[^"]*"[^"]*")*[^"]*$)')  # outside quotation marks

DO_QUOTE = 'a key of other characters than letters, digits, _ and - stands in quotation marks: $."NHS No."'
Steps = list[dict[str, str]]
NO_LISTS: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True)
class Path:
    """One alternative of a path: its steps (of a variable, none), and the functions over what it finds."""

    steps: Steps
    functions: list[tuple[str, str | None]]
    variable: str | None = None


def _matched(pattern: str, text: str) -> str:
    return f"nullif(regexp_extract({text}, {engine.text(pattern)}, 1), '')"


def _id(text: str, kind: str | None) -> str:
    if kind is None:
        raise ValueError("id needs the type of resource, such as id(Patient)")
    return _matched(rf"^(?:[^#]*/)?{kind}/({ID})(?:/_history/{ID})?$", text)


def _precision(text: str, _: str | None) -> str:
    named = f"case length({text}) when 4 then 'year' when 7 then 'month' else 'day' end"
    return f"case when {text} is not null then {named} end"


def _type(text: str, _: str | None) -> str:
    return _matched(rf"^(?:[^#]*/)?([A-Z][A-Za-z]{{1,39}})/{ID}(?:/_history/{ID})?$", text)


FUNCTIONS: dict[str, Callable[[str, str | None], str]] = {
    "as": lambda text, kind: f"{engine.text(f'{kind}/')} || {text}",
    "id": _id,
    "type": _type,
    "tail": lambda text, _: _matched(r"([^/:|]+)(?:\|[^/|]*)?$", text),
    "canonical": lambda text, _: _matched(r"^([^|]+)", text),
    "version": lambda text, _: _matched(r"\|([^|]+)$", text),
    "instant": lambda text, _: f"case when contains({text}, 'T') then {text} end",
    "precision": _precision,
}


def parse(text: str) -> list[Path]:
    """The alternatives of a path. A bare name is a field of the record. Raises ValueError where it is no path."""
    return [_alternative(one) for one in OR.split(text)]


def step(key: str) -> str | None:
    """How a path goes on to a key of JSON; None for one that no path can name."""
    for one in (key, f'"{key}"'):
        if re.fullmatch(KEY, one):
            return f".{one}"
    return None


def _alternative(text: str) -> Path:
    if re.fullmatch(NAME, text):
        text = f"$.{text}"
    steps: Steps = []
    variable = VARIABLE.match(text)
    position = variable.end() if variable else 1
    while not variable and (match := STEP.match(text, position)):
        steps.append({k: v.strip('"') for k, v in match.groupdict().items() if v is not None})
        position = match.end()
    if not variable and (not steps or not text.startswith("$")):
        raise ValueError(f"not a path: {text}; {DO_QUOTE}")
    found = []
    while match := FUNCTION.match(text, position):
        if match["name"] not in FUNCTIONS:
            raise ValueError(f"unknown function {match['name']} in {text}")
        FUNCTIONS[match["name"]]("x", match["argument"])
        found.append((match["name"], match["argument"]))
        position = match.end()
    if position != len(text):
        raise ValueError(f"not a path: {text}; {DO_QUOTE}")
    return Path(steps, found, variable[1] if variable else None)


@dataclass
class Node:
    """What the paths read at one place: fields of an object, members of a list, or the value itself."""

    fields: dict[str, "Node"] = field(default_factory=dict)
    member: "Node | None" = None
    is_value: bool = False

    def add(self, steps: Steps, text: str) -> None:
        if not steps:
            self.is_value = True
        else:
            step, *rest = steps
            if "name" in step:
                self._field(step["name"]).add(rest, text)
            elif "has" in step:
                being = self._field(step["has"])
                being.is_value |= len(step) > 1
                self.add(rest, text) if rest else self._refuse(text)
            else:
                self.member = self.member or Node()
                if "of" in step:
                    self.member._field(step["of"]).is_value = True
                self.member.add(rest, text)
        if (bool(self.fields) + (self.member is not None) + self.is_value) > 1:
            self._refuse(text)

    def _field(self, name: str) -> "Node":
        if name not in self.fields and name.lower() in {n.lower() for n in self.fields}:
            raise ValueError(f"two fields differ only by their letters' case: {name}")
        return self.fields.setdefault(name, Node())

    def _refuse(self, text: str) -> None:
        raise ValueError(f"{text}: another path reads the same place as another kind of value")

    def type(self) -> Any:
        """The nested type, as DuckDB's `json_transform` takes it."""
        if self.member is not None:
            return [self.member.type()]
        return {name: node.type() for name, node in self.fields.items()} if self.fields else "VARCHAR"


class Paths:
    """The paths of one kind of record together: `fields` gives each name its path and whether it takes a list, `listed`
    the values that are listed for it. Raises ValueError where there is no such path, or where nothing is listed."""

    def __init__(self, fields: Mapping[str, tuple[str, bool]], listed: Mapping[str, Sequence[str]] = NO_LISTS) -> None:
        self._fields = {name: (parse(text), is_list) for name, (text, is_list) in fields.items()}
        self.root = Node()
        for name, (text, _) in fields.items():
            for path in self._fields[name][0]:
                for one in (one for one in path.steps if "listed" in one):
                    if one["listed"] not in listed:
                        raise ValueError(f"{text}: no values are listed for {one['listed']}")
                    one["values"] = ", ".join(map(engine.text, listed[one["listed"]]))
                if path.variable is None:
                    self.root.add(path.steps, text)

    def parsed(self, text: str) -> str:
        """SQL: the nested value of a JSON text. The text must be valid."""
        return f"json_transform({text}, {engine.text(json.dumps(self.root.type(), ensure_ascii=False))})"

    def columns(self, nested: str) -> dict[str, str]:
        """SQL for each field: its text, empty where there is none. `nested` is the column made by `parsed`."""
        found = {}
        for name, (alternatives, is_list) in self._fields.items():
            texts = ", ".join(_text(path, nested, is_list=is_list) for path in alternatives)
            found[name] = f"coalesce({texts}, '')"
        return found

    def objects(self) -> dict[str, set[str]]:
        """The JSON paths of the objects that are read and stand in no list, with the fields that are read of each."""
        return dict(_objects(self.root, "$"))

    def lists(self) -> dict[str, list[str]]:
        """For each list that is read, the wildcard paths, from the list on, of the objects in it."""
        return {path: _objects_within(node, "$") for path, node in _lists(self.root, "$")}


def _text(path: Path, nested: str, *, is_list: bool) -> str:
    if path.variable:
        sql, many = engine.name(path.variable), False
    else:
        sql, many = _value(nested, path.steps, 0)
    for name, argument in path.functions:
        made = FUNCTIONS[name]("x" if many else sql, argument)
        sql = f"list_transform({sql}, lambda x: {made})" if many else made
    if not many:
        return sql
    there = f"list_filter({sql}, lambda x: x is not null and x <> '')"
    if not is_list:
        return f"{there}[1]"
    # What a member lacks keeps its place: the second answer of three stays the second.
    return f"case when len({there}) > 0 then to_json(list_transform({sql}, lambda x: coalesce(x, '')))::varchar end"


def _value(expression: str, steps: Steps, depth: int) -> tuple[str, bool]:
    """SQL of what the steps find, and whether that is a list of what they find in each member of one."""
    if not steps:
        return expression, False
    step, *rest = steps
    if "name" in step:
        return _value(f"struct_extract({expression}, {engine.text(step['name'])})", rest, depth)
    if "index" in step:
        return _value(f"list_extract({expression}, {int(step['index']) + 1})", rest, depth)
    if "has" in step:
        test = _test(f"struct_extract({expression}, {engine.text(step['has'])})", step)
        return _value(f"case when {test} then {expression} end", rest, depth)
    member = f"m{depth}"
    if "of" in step:
        test = f"struct_extract({member}, {engine.text(step['of'])}) = {engine.text(step['equals'])}"
        expression = f"list_filter({expression}, lambda {member}: {test})"
    inner, many = _value(member, rest, depth + 1)
    found = f"list_transform({expression}, lambda {member}: {inner})" if rest else expression
    return (f"flatten({found})" if many else found), True


def _test(having: str, step: dict[str, str]) -> str:
    """SQL of what a step in braces asks of the field that it names."""
    if "being" in step:
        return f"{having} = {engine.text(step['being'])}"
    if "other" in step:
        return f"{having} is distinct from {engine.text(step['other'])}"
    if "listed" in step:
        return f"{having} in ({step['values']})"
    return f"{having} is not null"


def _objects(node: Node, path: str) -> list[tuple[str, set[str]]]:
    found = [(path, set(node.fields))] if node.fields else []
    for name, inner in node.fields.items():
        found += _objects(inner, f'{path}."{name}"')
    return found


def _lists(node: Node, path: str) -> list[tuple[str, Node]]:
    if node.member is not None:
        return [(path, node)]
    return [found for name, inner in node.fields.items() for found in _lists(inner, f'{path}."{name}"')]


def _objects_within(node: Node, path: str) -> list[str]:
    if node.member is not None:
        return _objects_within(node.member, f"{path}[*]")
    found = [path] if node.fields else []
    for name, inner in node.fields.items():
        found += _objects_within(inner, f'{path}."{name}"')
    return found
