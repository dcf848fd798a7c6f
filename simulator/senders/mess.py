"""How much of life's mess is in the files: a dial for each kind, as the share of lines, files or senders it befalls.

A dial that is nought adds nothing. When nothing is said there is enough of the usual kinds to see them, and little
enough to count the rest by.
"""

from collections.abc import Mapping

# dial: (share when nothing is said, share at --mess 1)
DIALS = {
    "invalid_number": (0.001, 0.008),  # of lines: an NHS number that fails its check
    "invalid_value": (
        0.003,
        0.012,
    ),  # of lines: an impossible date, a word nobody listed, nothing where something must be
    "broken": (0.002, 0.008),  # of lines: fields too many or too few, JSON that ends early
    "encoding": (0.0, 0.004),  # of lines: a letter in another encoding than the file's
    "clock": (0.0, 0.004),  # of lines of appointment books: an hour that the clocks skip, or one that they repeat
    "conflict": (0.003, 0.006),  # of contacts: sent again with the same time and other content
    "duplicated": (0.002, 0.03),  # of lines: sent twice in one file
    "blank": (0.001, 0.01),  # of lines: an empty one in between
    "late": (0.02, 0.08),  # of contacts: entered weeks later than they happened
    "corrected": (0.004, 0.016),  # of held contacts: corrected later
    "opted_out": (0.0, 0.02),  # of people: opt out, and it is recorded up to four months later
    "merged": (0.0, 0.02),  # of people: known to services by an NHS number that is merged with another later
    "test_patient": (0.0, 0.004),  # of lines of systems that mark them: a patient for tests
    "unknown_time": (0.0, 0.004),  # of lines of systems without a word for it: a time of day that is 00:00:00
    "deleted": (0.0, 0.004),  # of lines of systems that say so: a record that comes, and then its deletion
    "missing_number": (0.0, 0.05),  # of people: known to no sender by NHS number (beyond the few who have none)
    "repeated": (0.01, 0.05),  # of files: sent twice under two names
    "half": (0.0, 0.03),  # of files: cut off in the middle, and sent again whole
    "drift": (0.0, 0.2),  # of extracts of referrals: columns of the next version, and once one that no version has
    "silent": (0.0, 0.1),  # of practices that send daily: stops some days before the end
    "unregistered": (0.01, 0.05),  # of senders: one more that nobody registered
}
BAD = {
    "invalid_number": ("invalid_nhs_number",),
    "invalid_value": ("impossible_date", "missing_required", "unknown_word"),
    "broken": ("too_many_fields", "too_few_fields", "broken_json"),
    "encoding": ("other_encoding",),
    "clock": ("skipped_hour",),
}
HARMLESS = {
    "duplicated": ("duplicate_line",),
    "blank": ("blank_line",),
    "test_patient": ("test_patient",),
    "unknown_time": ("unknown_time",),
    "clock": ("repeated_hour",),
}


def dials(given: str | None) -> dict[str, float]:
    """The share of each dial. `given`: nothing; one number from 0 (none) to 1; or dial=share,… (the others none).

    Raises ValueError for a dial or share that cannot be.
    """
    if given is None:
        return {name: usual for name, (usual, _) in DIALS.items()}
    if "=" not in given:
        level = share_of("mess", given)
        return {name: level * most for name, (_, most) in DIALS.items()}
    found = dict.fromkeys(DIALS, 0.0)
    for part in given.split(","):
        name, _, value = part.strip().partition("=")
        if name not in DIALS:
            raise ValueError(f"mess has no dial {name!r}; its dials are {', '.join(DIALS)}")
        found[name] = share_of(name, value)
    return found


def share_of(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {text!r}")
    return share


def weights(shares: Mapping[str, float], kinds: Mapping[str, tuple[str, ...]], of_feed: set[str]) -> dict[str, float]:
    """The share of each kind of fault that the feed can have; a dial is spread evenly over its kinds, bad or not."""
    found = {}
    for dial, members in kinds.items():
        possible = of_feed.intersection((*BAD.get(dial, ()), *HARMLESS.get(dial, ())))
        found.update({kind: shares[dial] / len(possible) for kind in members if kind in possible})
    return {kind: share for kind, share in found.items() if share > 0}
