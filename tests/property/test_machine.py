"""Whatever becomes of files, the facts are the oracle's: real files through the gate into a real log.

Files of a state feed and an event feed by two senders come in one commit or several, are held back, cut, repeated and
sent again; conflicts are resolved by name, files are retracted, the register is lost and rebuilt. After every step the
effective facts and the contested records are compared with the oracle, and the log must verify.
"""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ingestion.rebuild import rebuild_register
from ingestion.resolve import resolve
from ingestion.retract import retract
from linkwork.errors import UsageError
from linkwork.log.store import Store
from linkwork.log.verify import verify
from tests.property.oracle import Decision, counted, newest_wins
from tests.support.examples import examples
from tests.support.feeds import PEOPLE, SENDERS, line_of
from tests.support.log import rows
from tests.support.statements import files
from tests.support.world import Sent, make_world

# Mostly one person, so that the rule about another one does not hide the others.
sent = files(people=st.sampled_from([PEOPLE[0]] * 4 + [PEOPLE[1]]), most=3)
REGISTER = "feed, sender, record_key, asserted_at, row_hash, contested, resolved, generation, subject_key, facts"


class Deliveries(RuleBasedStateMachine):
    """What was committed, load by load, beside the log it was committed to."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = make_world(Path(self.folder.name))
        self.settings = self.world.settings
        self.batches = []  # of load ids
        self.committed = {}  # load id to file
        self.retracted = set()
        self.held_back = []
        self.decided = []

    def teardown(self):
        self.world.con.close()
        self.folder.cleanup()

    # --- what the oracle is told --------------------------------------------------------------
    @property
    def live(self):
        return [load for batch in self.batches for load in batch if load not in self.retracted]

    @property
    def never_retracted(self):
        return [[self.committed[load] for load in batch if load not in self.retracted] for batch in self.batches]

    def expected(self):
        return newest_wins(self.never_retracted, self.decided)

    # --- files ----------------------------------------------------------------------------------
    def commit(self, batch):
        """One commit. Files that say the same are told apart by blank lines, but for those sent again on purpose."""
        loads = self.world.deliver(batch)
        self.batches.append([load for load in loads if load])
        self.committed |= {load: one.file for load, one in zip(loads, batch, strict=True) if load}
        return loads

    def new(self, file):
        feed, sender, _ = file[0].record
        return Sent(feed, sender, file, blank_lines=len(self.committed) + len(self.held_back))

    @initialize(first=sent)
    def first_file(self, first):
        self.commit([self.new(first)])

    @rule(first=sent, more=st.lists(sent, max_size=2), together=st.booleans())
    def deliver(self, first, more, together):
        batch = [self.new(file)._replace(blank_lines=len(self.committed) + n) for n, file in enumerate([first, *more])]
        for commit in [batch] if together else [[one] for one in batch]:
            self.commit(commit)

    @rule(file=sent)
    def hold_back(self, file):
        self.held_back.append(self.new(file))

    @precondition(lambda self: self.held_back)
    @rule()
    def deliver_what_was_held_back(self):
        self.commit(self.held_back)
        self.held_back = []

    @precondition(lambda self: self.committed)
    @rule(data=st.data())
    def deliver_a_file_in_parts(self, data):
        load = data.draw(st.sampled_from(sorted(self.committed)))
        file = self.committed[load]
        at = data.draw(st.integers(0, len(file)))
        self.commit([self.new(part) for part in (file[at:], file[:at]) if part])

    @precondition(lambda self: self.committed)
    @rule(data=st.data())
    def deliver_the_same_bytes_again(self, data):
        one = self.new(self.committed[data.draw(st.sampled_from(sorted(self.committed)))])
        (first,) = self.commit([one])
        assert self.world.deliver([one]) == [None]
        assert first is not None

    # --- what people do -------------------------------------------------------------------------
    def conflicts(self):
        """The quarantined lines whose records are contested by them now: load, line, statement."""
        _, contested = self.expected()
        newest = {}
        for load in self.live:
            for statement in self.committed[load]:
                newest[statement.record] = max(statement.at, newest.get(statement.record, 0))
        found = []
        for load, line in rows(self.settings, "quarantine", "load_id, source_line", "where rule = 'conflict'"):
            if load in self.live:
                feed = self.committed[load][0].record[0]
                statement = self.committed[load][line - line_of(feed, 0)]
                if statement.record in contested and statement.at == newest[statement.record]:
                    found.append((load, line, statement))
        return sorted(found)

    @rule(data=st.data(), keep=st.sampled_from(["earlier", "quarantined"]))
    def resolve_a_conflict(self, data, keep):
        if not (conflicts := self.conflicts()):
            return
        load, line, statement = data.draw(st.sampled_from(conflicts))
        held = statement.facts
        if keep == "earlier":
            arrived = counted(self.never_retracted)
            at_that_time = (s for s in arrived if (s.record, s.at) == (statement.record, statement.at))
            held = next(s.facts for s in at_that_time if s.facts is not None)
            if held == statement.facts:  # the first was retracted, so this line leads now
                with pytest.raises(UsageError, match="no statement is earlier"):
                    resolve(self.settings, load, line, keep, "the sender was asked")
                return
        resolve(self.settings, load, line, keep, "the sender was asked")
        self.decided.append(Decision(statement.record, statement.at, held))

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def retract_a_file(self, data):
        load = data.draw(st.sampled_from(self.live))
        retract(self.settings, load, "the wrong file")
        self.retracted.add(load)
        said = {(s.record, s.at, s.facts) for s in counted(self.never_retracted)}
        self.decided = [decision for decision in self.decided if decision in said]  # nobody says it: void for good

    def register(self):
        """Its rows, but for those that say that nothing is known of a record any more: a rebuilt one lacks them."""
        said = "where asserted_at is not null or generation is not null"
        return rows(self.settings, "register", REGISTER, f"{said} order by record_key")

    @rule()
    def lose_and_rebuild_the_register(self):
        before = self.register()
        shutil.rmtree(self.settings.log_dir / "register")
        rebuild_register(self.settings, "it was lost")
        assert self.register() == before

    # --- what must hold -------------------------------------------------------------------------
    @invariant()
    def the_facts_are_the_oracles(self):
        facts, contested = self.expected()
        assert self.world.facts("") == facts
        assert self.world.contested(SENDERS) == len(contested)

    @invariant()
    def the_log_is_whole(self):
        assert verify(Store(self.settings.log_dir), threads=1).problems == []


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = examples(15, 500, steps=8)
