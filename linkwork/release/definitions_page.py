"""`docs/measures.md`, and the draft of a definition: text made from definitions and dbt files."""

from collections.abc import Iterable

import yaml

from linkwork.release.definitions import CLASSES, Definitions, Described, Measure, disclosure_class, numbers

HEAD = """# Measures

What each figure of the reporting marts is: what is counted, over what, in which unit, what is left out, and what
disclosure control does with it in the open tier. `linkwork docs measures` makes this page from the files in
`linkwork/release/measures/`; a release carries the same in its manifest and in the table `measures` of `marts.duckdb`.
A name in `code` is a column of the same mart.

"""
NONE = "-"


def page(defined: dict[str, Definitions]) -> str:
    """The whole page, as Markdown."""
    classes = _table(["class", "in the open tier"], [[f"`{name}`", told] for name, told in CLASSES.items()])
    return "\n\n".join([HEAD.rstrip(), classes, *(_mart(one) for _, one in sorted(defined.items()))]) + "\n"


def draft(name: str, mart: Described) -> str:
    """A definition of a mart that has none, as YAML: what its dbt file says, and TODO where it does not say it."""
    rules = mart.meta.disclosure
    limits = {limit for rate in rules.rates.values() for limit in (rate.lower, rate.upper)} if rules else set()
    measures = []
    for column in numbers(mart):
        if column in limits or (rules and column in rules.labels):
            continue
        rate = rules.rates.get(column) if rules else None
        one: dict[str, object] = {
            "column": column,
            "label": column.replace("_", " ").capitalize(),
            "unit": "TODO: people, referrals, …; proportion, ratio or per 1,000 … if it has a denominator",
            "numerator": f"`{rate.numerator}`" if rate else f"TODO: {mart.descriptions[column]}",
        }
        if rate or mart.columns[column].lower().startswith(("double", "float", "decimal")):
            one["denominator"] = f"`{rate.denominator}`" if rate else "TODO: or remove this line"
        if rate and rate.lower and rate.upper:
            one["interval"] = {"lower": rate.lower, "upper": rate.upper, "method": "TODO: such as Wilson"}
        measures.append({**one, "disclosure": disclosure_class(mart.meta, column)})
    labels = [column for column in numbers(mart) if rules and column in rules.labels]
    content = {
        "mart": name,
        "title": "TODO",
        "of": "TODO: which facts, placed in a period by which day",
        "exclusions": "TODO: what no figure counts",
        **({"not_measures": labels} if labels else {}),
        "measures": measures,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _mart(one: Definitions) -> str:
    rows = [_row(measure) for measure in one.measures]
    head = ["measure", "column", "unit", "numerator", "denominator", "left out besides", "class"]
    text = f"## {one.title} (`{one.mart}`)\n\nOf: {one.of}\n\nLeft out: {one.exclusions}"
    return f"{text}\n\n{_table(head, rows)}"


def _row(measure: Measure) -> list[str]:
    columns = f"`{measure.column}`"
    if measure.interval:
        columns += f", 95 % {measure.interval.method}: `{measure.interval.lower}`, `{measure.interval.upper}`"
    told = [measure.label, columns, measure.unit, measure.numerator]
    return [*told, measure.denominator or NONE, measure.exclusions or NONE, measure.disclosure]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])
