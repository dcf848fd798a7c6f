"""Deliver any files in any order, split and repeated: the same facts hold, as a newest-wins reader would have them."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.support.log import at, csv_text, day, deliver, effective, ingest, make_home

assertion = st.tuples(
    st.sampled_from(["r1", "r2"]),
    st.integers(1, 4),  # asserted at
    st.sampled_from(["", day(1), day(2)]),  # received
    st.sampled_from(["", day(8), day(9)]),  # closed
)


def oracle(assertions: list[tuple[str, int, str, str]]) -> dict[tuple[str, str], str]:
    """Per record the newest assertion wins, as a whole; two different ones at that time leave no fact."""
    facts = {}
    for record in {a[0] for a in assertions}:
        newest = max(a[1] for a in assertions if a[0] == record)
        said = {a[2:] for a in assertions if a[0] == record and a[1] == newest}
        if len(said) == 1:
            received, closed = said.pop()
            facts |= {(record, "received"): received} if received else {}
            facts |= {(record, "closed"): closed} if closed else {}
    return facts


@given(
    st.lists(assertion, min_size=1, max_size=8).flatmap(
        lambda chosen: st.tuples(
            st.just(chosen), st.permutations(chosen + chosen[:2]), st.lists(st.integers(1, 4), min_size=12, max_size=12)
        )
    )
)
def test_effective_facts_do_not_depend_on_delivery(case):
    chosen, order, sizes = case
    with tempfile.TemporaryDirectory() as folder:
        settings = make_home(Path(folder))
        delivered, n = 0, 0
        while delivered < len(order):
            for part in range(sizes[n % 12] % 2 + 1):  # one or two files in a batch
                rows = [
                    {"id": r, "received": received, "closed": closed, "at": at(when)}
                    for r, when, received, closed in order[delivered : delivered + sizes[n % 12]]
                ]
                delivered += len(rows)
                if rows:
                    deliver(settings, f"{n}-{part}.csv", csv_text(rows))
            ingest(settings)
            n += 1
        assert effective(settings) == oracle(chosen)
        assert verify(Store(settings.log_dir)).problems == []
