"""Regions by name: how many people ever live there, which days, and which truth."""

import datetime as dt
from typing import Any

# Referrals per person and year: 1.3 million people referred in 2023 of 63.6 million registered.
NATIONAL_RATE = 0.0204
PRESETS: dict[str, dict[str, Any]] = {
    # for tests: a few people, a year and a half
    "tiny": {"people": 400, "days": (dt.date(2024, 4, 1), dt.date(2025, 9, 30))},
    # what `make run` takes: three years, referrals at three times the national rate
    "demo": {"people": 20_000, "days": (dt.date(2023, 4, 1), dt.date(2026, 3, 31))},
    # a large network, or a small place: three years, everything as in life
    "pcn": {
        "people": 50_000, "days": (dt.date(2023, 4, 1), dt.date(2026, 3, 31)), "referred_per_year": NATIONAL_RATE,
        "rollout_months": 12, "both_reported": 0.3, "changes": True,
    },
    # an average integrated care board: five years, about 50 million events
    "icb": {
        "people": 1_500_000, "days": (dt.date(2021, 4, 1), dt.date(2026, 3, 31)), "referred_per_year": NATIONAL_RATE,
        "rollout_months": 24, "both_reported": 0.3, "changes": True,
    },
}  # fmt: skip
