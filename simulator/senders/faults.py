"""A known sprinkle of bad lines, made in SQL from good ones, each noted with file, physical line, fate and rule.

Every fault is an extra line: without them the region is clean, so the good records can be counted apart. A faulty copy
gets a record id of its own, so it collides with nothing, and follows the line it was made from. How many a file gets is
its length times the dial, rounded by chance, so that a small file is never spoiled as a whole by bad luck.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from simulator.senders import mess
from simulator.senders.feeds import Feed, cloud_event
from simulator.senders.write import LAST, PORTION

SHORTEST_FILE = 60  # lines; a shorter one would be held for a single bad line or two
MOST_BAD = 0.04  # of a file's lines; contracts hold a file with more than 0.05
# kind: (fate, rule); a date is refused as what the contract takes it for
OUTCOMES = {
    "invalid_nhs_number": ("quarantined", "nhs_number"), "impossible_date": ("quarantined", ""),
    "missing_required": ("quarantined", "required"), "unknown_word": ("quarantined", "domain"),
    "too_many_fields": ("quarantined", "field_count"), "too_few_fields": ("quarantined", "field_count"),
    "broken_json": ("quarantined", "json"), "other_encoding": ("quarantined", "encoding"),
    "skipped_hour": ("quarantined", "nonexistent_time"), "conflict": ("conflict", "conflict"),
    "duplicate_line": ("duplicate", ""), "blank_line": ("skipped", ""), "correction": ("accepted", ""),
    "recorded_late": ("accepted", ""),
    "opted_out_later": ("accepted", ""), "merged_record": ("accepted", ""), "test_patient": ("skipped", ""),
    "unknown_time": ("accepted", ""), "to_be_deleted": ("accepted", ""), "deleted": ("accepted", ""),
}  # fmt: skip


COLUMNS = ["feed", "sender", "file", "line", "kind", "expected_fate", "expected_rule"]


@dataclass(frozen=True)
class Fault:
    """One injected case. `line` is the physical line, counted from 1 with the header; None means the whole file."""

    feed: str
    sender: str
    file: str
    line: int | None
    kind: str
    # of a line: quarantined, duplicate, conflict, accepted, skipped; of a file: noop, refused, duplicate
    fate: str
    rule: str = ""

    def row(self) -> dict[str, str]:
        return {"feed": self.feed, "sender": self.sender, "file": self.file, "line": str(self.line or ""),
                "kind": self.kind, "expected_fate": self.fate, "expected_rule": self.rule}  # fmt: skip


def of_line(feed: Feed, sender: str, file: str, line: int, kind: str) -> Fault:
    """The fault of a line that was written, with the outcome it must have."""
    fate, rule = OUTCOMES[kind]
    return Fault(feed.name, sender, file, line, kind, fate, feed.date_rule if kind == "impossible_date" else rule)


def possible(feed: Feed) -> set[str]:
    """The kinds of faults that a line of a feed can have."""
    if feed.line and feed.book != "contacts":  # a resource is not spoiled, only repeated
        return {"duplicate_line", "blank_line"}
    found = {"invalid_nhs_number", "impossible_date", "missing_required", "duplicate_line", "blank_line"}
    found |= {"test_patient", "unknown_time"} if feed.test_column else set()
    found |= {"broken_json"} if feed.line else {"too_many_fields", "too_few_fields"}
    return found | ({"unknown_word"} if feed.word else set()) | ({"other_encoding"} if feed.name_column else set()) | (
        {"skipped_hour"} if feed.local_time else set())  # fmt: skip


def faulty_lines(con: duckdb.DuckDBPyConnection, feed: Feed, shares: Mapping[str, float]) -> str:
    """SQL for the extra lines of the rows in PORTION (sender, n, key, seq, line, kind), empty if there are none."""
    found = []
    bad = mess.weights(shares, mess.BAD, possible(feed))
    too_many = max(1.0, sum(bad.values()) / MOST_BAD)
    bad = {kind: share / too_many for kind, share in bad.items()}
    harmless = mess.weights(shares, mess.HARMLESS, possible(feed))
    for seq, (purpose, kinds) in enumerate((("bad", bad), ("harmless", harmless)), 1):
        if kinds:
            draw(con, purpose, kinds)
            found.append(f"""
                select k.sender, k.n, k.key, {seq} as seq, {spoiled(feed)} as line, fault as kind
                from {PORTION} as k join faults_{purpose} as d using (sender, n, key)
            """)
    if feed.book == "contacts" and feed.line and shares["conflict"] > 0:
        found.append(conflicts(shares["conflict"]))
    if feed.deletion and shares["deleted"] > 0:
        found.append(deletions(feed, shares["deleted"]))
    return " union all ".join(found)


def draw(con: duckdb.DuckDBPyConnection, purpose: str, kinds: Mapping[str, float]) -> None:
    """Table faults_<purpose>: which good lines are made into which fault; kinds take turns by their weights."""
    share = sum(kinds.values())
    turns, so_far = [], 0.0
    for kind, weight in kinds.items():
        so_far += weight / share
        turns.append(f"when turn < {so_far!r} then '{kind}'")
    con.execute(f"""
        create or replace temp table faults_{purpose} as
        with files as (select sender, n, count(*) as records from {PORTION} group by all),
        chosen as (
            select sender, n, key, records, u(concat_ws('|', sender, n, key), '{purpose}') as chance
            from {PORTION} join files using (sender, n)
            where kind is null and records >= {SHORTEST_FILE} and chance < {3 * share!r} + 30 / records
            qualify row_number() over (partition by sender, n order by chance, key)
                <= floor(records * {share!r} + u(concat_ws('|', sender, n), '{purpose} share'))
        ), numbered as (
            select sender, n, key, row_number() over (partition by sender order by n, key) as m,
                   (m * 0.6180339887498949e0 + u(sender, 'turn')) % 1 as turn
            from chosen
        )
        select sender, n, key, m, case {" ".join(turns)} else '{list(kinds)[-1]}' end as fault from numbered
    """)


def spoiled(feed: Feed) -> str:
    """SQL of the line that a fault makes of a good one."""

    def unless(column: str, *cases: tuple[str, str]) -> str:
        whens = " ".join(f"when '{kind}' then {sql}" for kind, sql in cases)
        return f"case fault {whens} else {column} end"

    def wrong(number: str) -> str:  # the next check digit cannot be right as well, and none is of 999 000 000
        held = f"coalesce(nullif({number}, ''), '9990000000')"
        return f"left({held}, 9) || ((right({held}, 1)::integer + 1) % 10)"

    def repeated(line: str, *cases: tuple[str, str]) -> str:
        return unless(line, ("duplicate_line", feed.text()), ("blank_line", "''"), *cases)

    if feed.line and feed.book != "contacts":
        return repeated("null")
    if feed.line:
        broken = cloud_event("printf('X%06d', m)", unless("happened", ("impossible_date", "'2024-02-30T10:00:00Z'"),
            ("missing_required", "null")), unless("nhs_number", ("invalid_nhs_number", wrong("nhs_number"))),
            note=unless("note", ("other_encoding", "'Chloë'")))  # fmt: skip
        return repeated(broken, ("broken_json", f"left({broken}, length({broken}) * 2 // 3)"))
    held = feed.columns
    dated = f"({held[feed.date]})::varchar"
    replaced = {
        feed.record_id: feed.new_id,
        feed.number: unless(held[feed.number], ("invalid_nhs_number", wrong(held[feed.number]))),
        feed.date: unless(dated, ("impossible_date", feed.impossible_date(dated)), ("missing_required", "''"),
                          ("skipped_hour", feed.skipped_hour), ("unknown_time", f"left({dated}, 11) || ' 00:00:00'")),
    }  # fmt: skip
    if feed.test_column:
        replaced[feed.test_column] = unless(held[feed.test_column], ("test_patient", "'TRUE'"))
        replaced["Date_Booked"] = unless(held["Date_Booked"], ("unknown_time", f"left({dated}, 11) || ' 00:00:00'"))
    if feed.word:
        replaced[feed.word] = unless(held[feed.word], ("unknown_word", "'not a listed word'"))
    if feed.name_column:
        replaced[feed.name_column] = unless(held[feed.name_column], ("other_encoding", "'Chloë'"))
    line = feed.text(replaced)
    return repeated(
        line, ("too_many_fields", f"{line} || ',surplus'"), ("too_few_fields", feed.text(replaced, short=2))
    )


def conflicts(share: float) -> str:
    """SQL for contacts sent again in their sender's next file: same id and recordedtime, other content."""
    return f"""
        select k.sender, f.next_n as n, '{LAST}' || k.key as key, 1 as seq,
               {cloud_event(minutes="minutes + 25")} as line, 'conflict' as kind
        from {PORTION} as k
        join (select sender, n, lead(n) over (partition by sender order by n) as next_n
              from (select distinct sender, n from {PORTION})) as f using (sender, n)
        where k.event_type = 'contact.held' and k.kind is null and not k.corrected and f.next_n is not null
            and u(concat_ws('|', k.sender, k.key), 'conflict') < {share!r}
    """


def deletions(feed: Feed, share: float) -> str:
    """SQL for records that come in one file and are deleted in the next: an id, that it is deleted, and when."""
    new_id = "concat_ws('-', 'D', n, key)"
    nothing = dict.fromkeys(feed.columns, "''")
    deleted = {**nothing, feed.record_id: new_id, feed.deletion: "'TRUE'", "extracted_at": "next_asked::varchar"}
    return f"""
        select sender, n, key, 3 as seq, {feed.text({feed.record_id: new_id})} as line, 'to_be_deleted' as kind
        from ({DOOMED.format(share=share)})
        union all
        select sender, next_n, '{LAST}' || key || n, 3 as seq, {feed.text(deleted)} as line, 'deleted' as kind
        from ({DOOMED.format(share=share)})
    """


DOOMED = f"""
    select k.*, next_n, next_asked from {PORTION} as k
    join (select sender, n, lead(n) over files as next_n, lead(asked_at) over files as next_asked
          from (select sender, n, any_value(asked_at) as asked_at from {PORTION} group by all)
          window files as (partition by sender order by n)) as f using (sender, n)
    where next_n is not null and u(concat_ws('|', sender, n, key), 'deleted') < {{share!r}}
"""
