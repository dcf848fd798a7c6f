"""A register of rows that no file stated, commit by commit."""

from linkwork import engine
from linkwork.log import register
from linkwork.log.plan import carry_out
from linkwork.log.store import REGISTER

FEED = "test_state"


def key(number):
    """SQL of the key of the record of that number (or column)."""
    return f"unhex(md5({number}::varchar))"


def commit(store, con, number, sender, records, subject="null::blob"):
    """Add a row for each of some records (numbers, a list or SQL that gives one), of the person `subject` gives."""
    columns = {
        **{column: f"null::{kind}" for column, kind in REGISTER.items() if column != "number"},
        "feed": engine.text(FEED), "sender": engine.text(sender), "record_key": key("i"), "facts": "[]",
        "asserted_at": f"make_timestamptz({number}::bigint)", "subject_key": subject,
    }  # fmt: skip
    listed = ", ".join(f"{sql} as {column}" for column, sql in columns.items())
    con.execute(f"create or replace temp table register_row as select {listed} from (select unnest({records}) as i)")
    step = register.step(store, con, [{"feed": FEED, "sender": sender}], number)
    carry_out(store, {"batch_id": f"b{number}", "number": number, "register": step})
    store.refresh()
