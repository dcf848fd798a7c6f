"""What a build spends its time on, layer by layer, as dbt noted it."""

import json
from collections import Counter

from linkwork.built import target_dir
from linkwork.dbt_run import RESULTS
from linkwork.settings import Settings

# The first part of a model's name (`CONTRIBUTING.md`).
LAYERS = {"base": "staging", "stg": "staging", "int": "intermediate", "fct": "core", "dim": "core", "rpt": "reporting"}


def layers(settings: Settings) -> dict[str, float]:
    """The share of each layer, and of the tests, in the seconds that the newest build's nodes took together."""
    results = json.loads((target_dir(settings) / RESULTS).read_text())["results"]
    took: Counter[str] = Counter()
    for one in results:
        kind, _, name = one["unique_id"].split(".")[:3]
        took["tests" if kind == "test" else LAYERS.get(name.partition("_")[0], "other")] += one["execution_time"]
    return {layer: seconds / took.total() for layer, seconds in took.most_common()}
