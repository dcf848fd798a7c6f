"""Proof that the log is whole: hashes, positions, ids and conservation, over everything, naming what is broken."""

from dataclasses import dataclass, field

from linkwork import engine
from linkwork.files import sha256_of
from linkwork.log.store import Store
from linkwork.log.table import LogTable


@dataclass
class Verification:
    """What was checked and what was found wrong. `problems` is empty for a whole log."""

    files: int = 0
    events: int = 0
    loads: int = 0
    position: int = 0
    problems: list[str] = field(default_factory=list)


def verify(store: Store) -> Verification:
    """Check every active file of every table and every rule that can be proven from the log alone."""
    result = Verification()
    if not store.events.exists():
        return result
    store.refresh()
    result.position = store.position()
    sound = True
    for table in (store.events, store.register, store.loads, store.quarantine):
        sound &= _hashes(table, result)
    if sound:  # a broken file would only give misleading numbers
        _positions(store, result)
        _conservation(store, result)
    return result


def _hashes(table: LogTable, result: Verification) -> bool:
    before = len(result.problems)
    for one in table.files():
        path = table.path / one.path
        result.files += 1
        if not path.exists():
            result.problems.append(f"missing file: {path}")
        elif sha256_of(path) != path.stem:
            result.problems.append(f"changed file: {path} (its bytes no longer match the hash in its name)")
    return len(result.problems) == before


def _positions(store: Store, result: Verification) -> None:
    with engine.connect() as con:
        found = con.execute(
            f"""select count(*), count(distinct global_position), coalesce(min(global_position), 1),
                coalesce(max(global_position), 0), count(distinct event_id)
            from {store.events.relation()}"""
        ).fetchone()
        assert found is not None  # noqa: S101 - an aggregate always gives a row
        result.events, distinct, lowest, highest, ids = found
        if not (result.events == distinct == highest == result.position and lowest == 1):
            result.problems.append(
                f"positions are not gap-free: {result.events} events, positions {lowest} to {highest}, "
                f"{distinct} distinct, head {result.position}"
            )
        if ids != result.events:
            result.problems.append(f"{result.events - ids} events repeat an event_id")
        for one in store.events.files():
            rows = con.execute(
                f"select count(*), min(global_position), max(global_position) from {store.events.relation([one])}"
            ).fetchone()
            if rows != (one.rows, one.lowest["global_position"], one.highest["global_position"]):
                result.problems.append(f"the statistics of {one.path} do not match its rows")


def _conservation(store: Store, result: Verification) -> None:
    with engine.connect() as con:
        loads, wrong = con.execute(
            f"""select count(*), list(load_id order by load_id) filter (
                records <> accepted + duplicate + conflict + quarantined + skipped)
            from {store.loads.relation()} where status = 'committed'"""
        ).fetchone() or (0, None)
        result.loads = loads
        for load_id in wrong or []:
            result.problems.append(f"the records of load {load_id} do not add up")
        differ = con.execute(
            f"""select coalesce(l.load_id, e.load_id)
            from (select load_id, events from {store.loads.relation()} where status = 'committed') as l
            full join (select load_id, count(*) as events from {store.events.relation()} group by 1) as e
                on e.load_id = l.load_id
            where coalesce(l.events, 0) <> coalesce(e.events, 0) order by 1"""
        ).fetchall()
        result.problems += [f"load {load_id} has other events than its ledger row says" for (load_id,) in differ]
        apps = store.events.transactions()
        missing = con.execute(
            f"select load_id, file_sha256 from {store.loads.relation()} where status = 'committed'"
        ).fetchall()
        result.problems += [
            f"load {load_id} is in the ledger but its file is not in the log's transactions"
            for load_id, sha in missing
            if f"file:{sha}" not in apps
        ]
