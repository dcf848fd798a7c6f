"""Who tells which book in which feed, packed or not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.senders import vendors
from simulator.senders.feeds import (
    ACTIVITY,
    APPOINTMENTS,
    CODES,
    CONTACTS,
    LINKS,
    OPT_OUTS,
    REFERRALS,
    REGISTER,
    REGISTRATIONS,
    Feed,
)

USUAL = (ACTIVITY, APPOINTMENTS, CODES, CONTACTS, REFERRALS, REGISTRATIONS, OPT_OUTS, LINKS)
ALL = (*USUAL, *vendors.VENDORS, REGISTER)
PACKINGS = ("gz", "parquet")
# sender: the feeds that it tells in place of the usual ones of the same book, or beside them
VARIED = {
    "Z90002": "gp_codes_csv.gz", "Z90003": "gp_appointments_emis_csv,registrations_emis_csv",
    "Z90005": "gp_appointments_csv.gz,registrations_csv.parquet",
    "Z90006": "gp_appointments_tpp_csv,registrations_tpp_csv", "Z90007": "gp_appointments_emis_csv.gz",
    "Z90008": "fhir_r4_ndjson", "Z90009": "gp_appointments_csv.parquet",
    "ZSP01": "referrals_charitylog_csv,link_worker_jsonl.gz", "ZSP02": "referrals_joy_csv",
    "ZVC01": "activity_register_xlsx", "ZVC02": "activity_csv.parquet", "ZVC03": "activity_csv.gz",
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A feed as some senders tell it: `only` these, or all `but` these."""

    feed: Feed
    packing: str = ""
    only: tuple[str, ...] | None = None
    but: tuple[str, ...] = ()

    @property
    def senders(self) -> str:
        """SQL of a condition on `sender`."""
        names = ", ".join(f"'{name}'" for name in (self.but if self.only is None else self.only))
        if not names:
            return "true" if self.only is None else "false"
        return f"sender {'not ' if self.only is None else ''}in ({names})"


def told(given: str | None) -> list[Told]:
    """What is told by whom. `given`: nothing, for the usual feeds; `varied`; or
    sender=feed[.gz|.parquet],… with several feeds of a sender joined by +.

    Raises ValueError for a feed or a packing that cannot be.
    """
    chosen: dict[tuple[str, str], set[str]] = {}  # feed and packing: senders
    elsewhere: dict[str, set[str]] = {}  # book: senders that tell it otherwise
    for sender, feeds in parsed(given).items():
        for one in feeds:
            name, _, packing = one.partition(".")
            if packing and packing not in PACKINGS:
                raise ValueError(f"feeds has no packing {packing!r}; there are {', '.join(PACKINGS)}")
            if not (members := [feed for feed in ALL if feed.name == name]):
                raise ValueError(f"feeds has no feed {name!r}; there are {', '.join(sorted({f.name for f in ALL}))}")
            if packing and (name == REGISTER.name or (packing == "parquet" and not members[0].columns)):
                raise ValueError(f"feeds cannot pack {name} as {packing}")
            chosen.setdefault((name, packing), set()).add(sender)
            for feed in members:
                elsewhere.setdefault(feed.book, set()).add(sender)
    found = [Told(feed, but=tuple(sorted(elsewhere.get(feed.book, ())))) for feed in USUAL]
    for (name, packing), senders in sorted(chosen.items()):
        found += [Told(feed, packing, tuple(sorted(senders))) for feed in ALL if feed.name == name]
    return found


def check(given: str | None, books: Mapping[str, Iterable[str]]) -> None:
    """Raise ValueError where a sender that is named is none of the region's, or keeps no such book. `books`: theirs."""
    for sender, feeds in parsed(given).items():
        if sender not in books:
            raise ValueError(f"feeds names {sender}, which is no sender of this region; there are {', '.join(books)}")
        for one in feeds:
            name = one.partition(".")[0]
            if not any(feed.name == name and feed.book in books[sender] for feed in ALL):
                usual = ", ".join(feed.name for feed in USUAL if feed.book in books[sender])
                raise ValueError(f"feeds lets {sender} send {name}, but it tells of other things: {usual}")


def parsed(given: str | None) -> dict[str, list[str]]:
    """Sender to feeds."""
    if given is None:
        return {}
    if given == "varied":
        return {sender: feeds.split(",") for sender, feeds in VARIED.items()}
    found: dict[str, list[str]] = {}
    for part in given.split(","):
        sender, equals, feeds = part.strip().partition("=")
        if not equals or not sender.isalnum():
            raise ValueError(f"feeds must be varied or sender=feed,…, not {given!r}")
        if sender in found:
            raise ValueError(f"feeds names {sender} twice; join its feeds by +")
        found[sender] = feeds.split("+")
    return found


def registered(books: Iterable[str], sender: str, tellings: Iterable[Told]) -> str:
    """The feeds that a sender of some books is registered for: what it usually sends, or what it sends in its place."""
    usual = {feed.book: feed.name for feed in USUAL}
    names = []
    for book in books:
        others = [t.feed.name for t in tellings if t.only and sender in t.only and t.feed.book == book]
        names += others or [usual[book]]
    names += [t.feed.name for t in tellings if t.only and sender in t.only and t.feed.name not in names]
    return ";".join(dict.fromkeys(names))
