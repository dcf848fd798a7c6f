"""The register of senders: who sends what, from which system and how often."""

from simulator.world import region
from simulator.world.region import Period


def rows(period: Period, daily: bool) -> list[dict[str, str]]:
    """Rows of reference/senders.csv: code, what it sends, from which system, how often."""
    kinds = [
        ("practice", "gp_appointments_csv;registrations_csv", "synthetic-gp", 365,
         [(region.practice_code(n), p[0]) for n, p in enumerate(region.PRACTICES, 1)]),
        ("service", "referrals_csv;link_worker_jsonl", "synthetic-case", 184,
         [(f"ZSP{n:02d}", name) for n, name in enumerate(region.SERVICES, 1)]),
        ("group", "activity_csv", "synthetic-register", 184,
         [(region.group_code(n), name) for n, name in enumerate(region.GROUPS, 1)]),
    ]  # fmt: skip
    return [
        {
            "code": code, "name": name, "kind": kind, "feeds": feeds, "source_system": system,
            "valid_from": "1990-01-01", "valid_to": "", "cadence_days": "1" if daily else str(cadence),
            "agreement": f"SYN-{code}", "first_expected": str(period.first),
        }
        for kind, feeds, system, cadence, members in kinds
        for code, name in members
    ]  # fmt: skip
