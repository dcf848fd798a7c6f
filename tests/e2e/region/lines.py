"""A second reader of what senders send: the raw lines of a trace in, referrals, contacts and people out.

Plain Python over the text of lines, and nothing of the platform: the figures of the marts are counted here again from
their written definitions. Per record the newest assertion holds, as a whole; two that differ at one time hold nothing.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

KEYS = {
    "registrations_csv": ("registration_id", "extract_at"),
    "gp_appointments_csv": ("appointment_id", "extract_at"),
    "referrals_csv": ("referral_id", "extract_at"),
    "link_worker_jsonl": ("id", "recordedtime"),
    "activity_csv": ("event_id", "recorded_at"),
    "gp_codes_csv": ("entry_id", "recorded_at"),
}
SEXES = {"1": "male", "2": "female", "9": "indeterminate"}
BANDS = [(17, "0-17"), (34, "18-34"), (49, "35-49"), (64, "50-64"), (79, "65-79"), (200, "80+")]


ETHNIC_GROUPS = {"white": "ABC", "mixed": "DEFG", "asian": "HJKL", "black": "MNP", "other": "RS"}
MENTAL = {"DEM", "DEP", "LD", "SMI"}


class Reference(NamedTuple):
    """Practices by code, and deciles of deprivation by the census and code of an area."""

    practices: dict[str, dict[str, str]]
    deciles: dict[tuple[str, str], int]


@dataclass(frozen=True)
class Record:
    """One record as it stands: who sent it, what it says."""

    sender: str
    said: dict[str, Any]

    def day(self, name: str) -> date | None:
        return date.fromisoformat(self.said[name][:10]) if self.said.get(name) else None

    @property
    def person(self) -> tuple[str, ...]:
        """The NHS number, else the sender's own id of the person."""
        number = "".join(c for c in self.said.get("nhs_number") or "" if c.isdigit())
        return (number,) if number else (self.sender, self.said.get("client_id") or self.said.get("patient_id") or "")


@dataclass
class Region:
    """The records that a set of lines says, by feed."""

    by_feed: dict[str, list[Record]]
    reference: Reference
    described: dict[tuple[str, ...], list[tuple[Record, date]]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: dict[str, Any], reference: Reference) -> "Region":
        headers = {file["load_id"]: file["header"] for file in found["raw"]["files"]}
        feeds = {(r["load_id"], r["source_line"]): (r["feed"], r["sender"]) for r in found["events"]["rows"]}
        newest: dict[tuple[str, str, str], tuple[str, list[dict[str, Any]]]] = {}
        for line in found["raw"]["records"]:
            feed, sender = feeds[line["load_id"], line["source_line"]]
            said = _read(feed, headers[line["load_id"]], line["raw"])
            identity, asserted = KEYS[feed]
            key = (feed, sender, said[identity])
            at, versions = newest.get(key, ("", []))
            if said[asserted] > at:
                newest[key] = (said[asserted], [said])
            elif said[asserted] == at and said not in versions:
                versions.append(said)
        by_feed = defaultdict(list)
        for (feed, sender, _), (_, versions) in newest.items():
            if len(versions) == 1:
                by_feed[feed].append(Record(sender, versions[0]))
        return cls(by_feed, reference)

    # --- the person ---------------------------------------------------------------------------------
    def registrations(self, person: tuple[str, ...]) -> list[Record]:
        return [r for r in self.by_feed["registrations_csv"] if r.person == person]

    def practice(self, referral: Record) -> str:
        """Where the person was registered on the day of receipt, the latest start first; else what the sender says."""
        on = referral.day("received_on")
        held = [r for r in self.registrations(referral.person) if _holds(r, on)]
        if held:
            return max((r.day("registration_start"), r.said["practice_code"]) for r in held)[1]
        return referral.said["practice_code"]

    def area(self, referral: Record, level: str) -> str:
        known = self.reference.practices.get(self.practice(referral))
        return known[f"{level}_code"] if known else "UNKNOWN"

    def group(self, referral: Record, breakdown: str) -> str:
        if breakdown == "none":
            return "all"
        if breakdown == "route":
            return referral.said["route"]
        if breakdown == "connector_model":
            return referral.said["connector_model"] or "unknown"
        said = self.description(referral)
        if said is None:
            return "not_known" if breakdown == "sex" else "unknown"
        if breakdown == "sex":
            return SEXES.get(said.said["sex"], "not_known")
        if breakdown == "ethnic_group":
            category = said.said["ethnic_category"]
            return next((g for g, letters in ETHNIC_GROUPS.items() if category and category in letters), "unknown")
        if breakdown == "imd_quintile":
            decile = self.reference.deciles.get((said.said["lsoa_vintage"], said.said["lsoa_code"]))
            return str((decile + 1) // 2) if decile else "unknown"
        registers = set(filter(None, said.said["long_term_conditions"].split(";")))
        if breakdown == "ltc_group":
            kinds = {"mental" if register in MENTAL else "physical" for register in registers}
            return "both" if len(kinds) == 2 else next(iter(kinds), "none")
        if breakdown == "ltc_count_band":
            return "3+" if len(registers) >= 3 else str(len(registers))
        born, on = said.day("date_of_birth"), referral.day("received_on")
        age = (on.year * 12 + on.month - born.year * 12 - born.month) // 12
        return next(band for last, band in BANDS if age <= last)

    def has_died(self, referral: Record) -> bool:
        """Whether a practice took the person off its list, on the day of receipt or later, because they died."""
        mine = self.registrations(referral.person)
        ended = [r.day("registration_end") for r in mine if r.said["end_reason"] == "deceased"]
        return bool(ended) and min(ended) >= referral.day("received_on")

    def description(self, referral: Record) -> Record | None:
        """What the practice of the day of receipt says of the person; else that of the latest registration."""
        mine, on = self.registrations(referral.person), referral.day("received_on")
        starts: dict[str, date] = {}
        for r in mine:
            starts[r.said["practice_code"]] = max(
                r.day("registration_start"), starts.get(r.said["practice_code"], date.min)
            )
        held = any(_holds(r, on) for r in mine)
        own = [r for r in mine if held and r.said["practice_code"] == self.practice(referral)]
        return max(
            own or mine, key=lambda r: (starts[r.said["practice_code"]], r.said["extract_at"][:10]), default=None
        )

    def referrals(self, cell: dict[str, Any], *, with_all: bool = False) -> list[Record]:
        """The referrals received in a cell's period, area and group."""
        first = date.fromisoformat(cell["period_start"])
        found = []
        for referral in self.by_feed["referrals_csv"]:
            on = referral.day("received_on")
            in_period = cell["period_type"] == "all" or first <= on < _after(first, cell["period_type"])
            if (
                in_period
                and self.area(referral, cell["area_level"]) == cell["area_code"]
                and self.group(referral, cell["breakdown"]) == cell["breakdown_group"]
            ):
                found.append(referral)
        return found

    # --- what happened ------------------------------------------------------------------------------
    def engaged(self, referral: Record) -> set[str]:
        return {
            r.said["type"].removeprefix("org.linkwork.")
            for r in self.by_feed["link_worker_jsonl"]
            if r.sender == referral.sender and r.said["data"].get("referralId") == referral.said["referral_id"]
        }

    def active(self, referral: Record) -> set[str]:
        """What the person themselves did; a carer's or volunteer's part is not theirs."""
        named = (referral.sender, referral.said["referral_id"])
        return {
            r.said["event"]
            for r in self.by_feed["activity_csv"]
            if (r.said["referral_service"], r.said["referral_ref"]) == named and r.said["role"] in ("", "participant")
        }

    def slots(self, person: tuple[str, ...], cut_off: date) -> list[tuple[date, str, bool]]:
        """Attended care encounters that are not a link worker's: day, practice, whether with a GP."""
        return [
            (r.day("slot_start"), r.said["practice_code"], r.said["hcp_type"] == "GP")
            for r in self.by_feed["gp_appointments_csv"]
            if r.person == person
            and r.said["status"] == "Attended"
            and r.said["context_type"] == "Care Related Encounter"
            and r.said["national_category"] != "Social Prescribing Service"
            and r.said["staff_role"] != "R9815"
            and r.day("slot_start") <= cut_off
        ]


def reference(folder: Path) -> Reference:
    """The region's practices, each with its network and board of today, and the deprivation of its areas."""
    practices = {
        row["gp_code"]: row | {"practice_code": row["gp_code"]} for row in _rows(folder / "practice_mapping.csv")
    }
    deciles = {
        (census, row[f"lsoa{census[2:]}_code"]): int(row["imd_decile"])
        for census, edition in (("2011", "2019"), ("2021", "2025"))
        for row in _rows(folder / f"imd{edition}.csv")
    }
    return Reference(practices, deciles)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return [{k.lower(): v for k, v in row.items()} for row in csv.DictReader(handle)]


def people(records: Iterable[Record]) -> int:
    return len({r.person for r in records})


def _read(feed: str, header: str | None, raw: str) -> dict[str, Any]:
    if feed.endswith("_jsonl"):
        said = json.loads(raw)
        return said | {"nhs_number": said["data"].get("nhsNumber"), "client_id": said["data"].get("clientId")}
    (row,) = csv.DictReader(io.StringIO((header or "") + raw))
    return {name.strip(): value.strip() for name, value in row.items()}


def _holds(registration: Record, on: date | None) -> bool:
    start, end = registration.day("registration_start"), registration.day("registration_end")
    return start <= on and (end is None or on <= end)


def _after(first: date, period: str) -> date:
    months = first.month - 1 + {"month": 1, "quarter": 3, "year": 12}[period]
    return date(first.year + months // 12, months % 12 + 1, 1)


# --- the figures, from their definitions ------------------------------------------------------------
def uptake(region: Region, cell: dict[str, Any]) -> dict[str, int]:
    """Referrals that reached the stage, its candidates, and those of them that are resolved."""
    candidates, resolved, reached = [], [], []
    for referral in region.referrals(cell):
        said, engaged, active = referral.said, region.engaged(referral), region.active(referral)
        reason = said["closure_reason"]
        if said["accepted_on"]:
            outcome = "accepted"
        elif said["rejected_on"]:
            outcome = "rejected"
        elif said["declined_on"] or (said["closed_on"] and reason == "declined"):
            outcome = "declined"
        elif said["closed_on"] and reason == "unable_to_contact":
            outcome = "no_response"
        else:
            outcome = "closed_unanswered" if said["closed_on"] else "open"
        accepted, died = outcome == "accepted", region.has_died(referral)
        ended = bool(said["rejected_on"] or said["declined_on"] or said["closed_on"]) or died
        contacted = "contact.held" in engaged
        onward = bool("signpost.made" in engaged or active & {"referred", "booked", "attended"})
        of_stage = {
            "referred": (True, True),
            "contacted": (accepted, contacted),
            "plan_agreed": (accepted and contacted, "plan.agreed" in engaged),
            "onward": (accepted and contacted, onward),
            "activity_attended": (accepted and contacted and onward, "attended" in active),
            "completed": (accepted, bool(said["closed_on"]) and reason == "completed"),
        }
        stage = cell["stage"]
        is_candidate, has_reached = of_stage.get(stage, (True, outcome == stage))
        is_answered = outcome != "open" or died if stage not in of_stage else ended
        if is_candidate:
            candidates.append(referral)
            if has_reached:
                reached.append(referral)
            if has_reached or is_answered or stage == "open":
                resolved.append(referral)
    return {
        "referrals": len(reached),
        "people": people(reached),
        "candidates": len(candidates),
        "denominator": len(resolved),
        "denominator_people": people(resolved),
    }


def reasons(region: Region, cell: dict[str, Any], mapping: list[dict[str, str]]) -> dict[str, int]:
    """Referrals with a reason of the category, in the cell's way of counting."""

    def category(code: str, on: date) -> str:
        return next(
            (
                m["category"]
                for m in mapping
                if m["code"] == code and m["valid_from"] <= on.isoformat() <= (m["valid_to"] or "9999")
            ),
            "uncoded",
        )

    counted = []
    for referral in region.referrals(cell):
        codes = [c.strip() for c in referral.said["reason_codes"].split(";") if c.strip()]
        found = [category(c, referral.day("received_on")) for c in codes] or ["uncoded"]
        chosen = found if cell["counting"] == "any" else found[:1]
        if cell["reason_category"] in chosen or cell["reason_category"] == "all":
            counted.append(referral)
    return {"referrals": len(counted), "people": people(counted)}


def reattendance(
    region: Region, cell: dict[str, Any], cut_off: date, observed: dict[str, tuple[date, date]]
) -> dict[str, int]:
    """Contacts and person-days of the window, before and after the index of each referral of the cell."""
    total: dict[str, int] = defaultdict(int)
    included: list[Record] = []
    followed: dict[tuple[str, ...], bool] = {}
    window, only_gp = cell["window_days"], cell["measure"] == "gp_contacts"
    for referral in region.referrals(cell):
        total["referrals"] += 1
        index = _index(region, referral, cut_off)
        stretch = next(
            (s for s in _stretches(region, referral.person, observed) if index and s[0] <= index <= s[1]), None
        )
        if _in_episode(region, referral, cut_off) or index is None or stretch is None:
            continue
        included.append(referral)
        before, after = min(window, (index - stretch[0]).days), min(window, (stretch[1] - index).days)
        contacts = {
            ((on - index).days, practice)
            for on, practice, is_gp in region.slots(referral.person, cut_off)
            if is_gp or not only_gp
        }
        seen_after = sum(0 < off <= after for off, _ in contacts)
        total["contacts_before"] += sum(-before <= off < 0 for off, _ in contacts)
        total["contacts_after"] += seen_after
        total["person_days_before"] += before
        total["person_days_after"] += after
        if after == window:
            followed[referral.person] = followed.get(referral.person, False) or seen_after > 0
    return {
        "referrals": total["referrals"],
        "indexes": len(included),
        "people": people(included),
        "people_followed": len(followed),
        "people_reattended": sum(followed.values()),
        **{f: total[f] for f in ("contacts_before", "contacts_after", "person_days_before", "person_days_after")},
    }


def _index(region: Region, referral: Record, cut_off: date) -> date | None:
    received = referral.day("received_on")
    if referral.said["decided_on"]:
        return referral.day("decided_on")
    gp = [on for on, _, is_gp in region.slots(referral.person, cut_off) if is_gp]
    if recent := [on for on in gp if received - timedelta(days=28) <= on <= received]:
        return max(recent)
    return received if referral.said["route"] == "self" else None


def _in_episode(region: Region, referral: Record, cut_off: date) -> bool:
    """Whether an earlier referral of the person is open, or was received less than 90 days before."""
    received = referral.day("received_on")
    others = [r for r in region.by_feed["referrals_csv"] if r.person == referral.person and r is not referral]
    earlier = sorted((r.day("received_on"), i, r) for i, r in enumerate(others) if r.day("received_on") < received)
    if not earlier:
        return False
    last = earlier[-1][2]
    ends = [e for e in (last.day("closed_on"), last.day("rejected_on"), last.day("declined_on")) if e]
    is_open = not ends or min(ends) > received
    return is_open and (received - last.day("received_on")).days < 90


def _stretches(
    region: Region, person: tuple[str, ...], observed: dict[str, tuple[date, date]]
) -> list[tuple[date, date]]:
    """Unbroken days on which a contact would be seen: registered, alive, and the practice's book arrives."""
    mine = region.registrations(person)
    deaths = [r.day("registration_end") for r in mine if r.said["end_reason"] == "deceased"]
    spells = []
    for record in mine:
        if record.said["practice_code"] in observed:
            first, last = observed[record.said["practice_code"]]
            first = max(record.day("registration_start"), first)
            last = min(d for d in (record.day("registration_end"), last, *deaths[:1]) if d)
            if first <= last:
                spells.append((first, last))
    joined: list[tuple[date, date]] = []
    for first, last in sorted(spells):
        if joined and first <= joined[-1][1] + timedelta(days=1):
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
