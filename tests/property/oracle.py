"""What must hold after files came and went, in plain Python that knows nothing of the product: the newest wins.

Of each record the newest assertion holds, as a whole. Two different ones at the newest time leave no fact, unless a
named decision says which of them holds. A row with its key alone holds no fact. One that is out of its contract's scope
holds none either, but counts only where nothing in scope was said of the same time. A statement about another person
than the first the record was known for never counts; what is out of scope makes nobody that person. Nor does a file
count that was retracted, which is why its caller leaves it out. Nothing else of how the files were cut, repeated,
ordered or put into batches has a meaning.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

Record = tuple[str, str, str]  # feed, sender, the record's own id
Facts = frozenset[tuple[str, str, str]]  # slot, event type, day


class Statement(NamedTuple):
    """What one record of a file says: at its own time, about a person where it names one."""

    record: Record
    at: int
    person: str | None
    facts: Facts | None  # None: it is out of scope


File = tuple[Statement, ...]
Batch = list[File]  # the files of one commit, in the order of their arrival


class Decision(NamedTuple):
    """Which of the statements about a record at a time holds, by name."""

    record: Record
    at: int
    facts: Facts


def counted(batches: Iterable[Batch]) -> Iterator[Statement]:
    """The statements in the order of their arrival, but for those about another person than the record's first."""
    person: dict[Record, str] = {}
    for batch in batches:
        arrived = [statement for file in batch for statement in file]
        for statement in sorted(arrived, key=lambda s: s.at):  # within a commit the earliest assertion comes first
            if statement.person and statement.facts is not None:
                person.setdefault(statement.record, statement.person)
        for statement in arrived:
            known = person.get(statement.record)
            if statement.person in (None, known) or (known is None and statement.facts is None):
                yield statement


def newest_wins(
    batches: Iterable[Batch], decisions: Iterable[Decision] = ()
) -> tuple[dict[Record, Facts], set[Record]]:
    """The facts of every record that has some, and the records that are contested."""
    said: dict[Record, dict[int, set[Facts | None]]] = {}
    for statement in counted(batches):
        said.setdefault(statement.record, {}).setdefault(statement.at, set()).add(statement.facts)
    decided = {(d.record, d.at, d.facts) for d in decisions}
    facts, contested = {}, set()
    for record, times in said.items():
        newest = max(times)
        in_scope = [f for f in times[newest] if f is not None]
        if not in_scope:
            continue
        held = [f for f in in_scope if len(in_scope) == 1 or (record, newest, f) in decided]
        if not held:
            contested.add(record)
        elif held[0]:
            facts[record] = held[0]
    return facts, contested
