"""The seeds by which the marts score, written from the files of the instruments: `python -m ingestion.measure_seeds`.

A test holds that seeds and files say the same, so that a limit of an instrument stands in one place.
"""

import csv
import io
from pathlib import Path
from typing import Any

from ingestion.measures import Bands, Instrument, Items, Score, instruments
from linkwork.settings import PROJECT_ROOT

SEEDS_DIR = PROJECT_ROOT / "dbt_project" / "seeds" / "instruments"


def seeds(found: tuple[Instrument, ...] | None = None) -> dict[str, str]:
    """The content of each seed, by its name: what the models score by."""
    found = instruments() if found is None else found
    table: dict[str, list[dict[str, Any]]] = {
        name: []
        for name in (
            "instruments",
            "instrument_items",
            "instrument_results",
            "instrument_bands",
            "instrument_scores",
            "instrument_units",
        )
    }
    for one in found:
        items, score, quantity = one.items, one.score, one.quantity
        table["instruments"].append(
            {
                "instrument": one.instrument,
                "title": one.title,
                "kind": "quantity" if quantity else "questionnaire",
                "item_count": items.count if items else None,
                "scoring": score.rule if score else "none",
                "score_lowest": score.lowest if score else None,
                "score_highest": score.highest if score else None,
                "score_is_whole": str(score.is_whole if score else False).lower(),
                "has_profile": str(one.profile).lower(),
                "unit": quantity.unit if quantity else None,
                "value_lowest": quantity.lowest if quantity else None,
                "value_highest": quantity.highest if quantity else None,
                "source": one.source,
                "licence": one.licence,
            }
        )
        table["instrument_items"] += _items(one.instrument, items) if items else []
        if score and score.rule != "none":
            table["instrument_results"].append(_result(one, "score", None, score.higherIsBetter, score))
        for result in one.results:
            table["instrument_results"].append(_result(one, result.name, result.item, result.higherIsBetter))
            table["instrument_bands"] += _bands(one, result.name, "", result.bands)
        for version, bands in ({"": one.bands} | one.cutPoints).items():
            table["instrument_bands"] += _bands(one, "score", version, bands)
        table["instrument_scores"] += [
            {"instrument": one.instrument, "raw_score": raw, "score": f"{value:.2f}"}
            for raw, value in one.table.items()
        ]
        if quantity:
            table["instrument_units"] += [
                {"instrument": one.instrument, "unit": name, "factor": how.factor, "addend": how.addend}
                for name, how in quantity.units.items()
            ]
    return {name: _csv(rows) for name, rows in table.items()}


def _items(instrument: str, items: Items) -> list[dict[str, Any]]:
    return [
        {
            "instrument": instrument,
            "item": item,
            "lowest": items.lowest,
            "highest": items.highest,
            "is_needed": str(item not in items.optional).lower(),
        }
        for item in range(1, items.count + 1)
    ]


def _result(
    one: Instrument, name: str, item: int | None, higher_is_better: bool | None, score: Score | None = None
) -> dict[str, Any]:
    return {
        "instrument": one.instrument,
        "result": name,
        "item": item,
        "higher_is_better": str(higher_is_better).lower(),
        "case_from": score.caseFrom if score else None,
        "reliable_change": score.reliableChange if score else None,
    }


def _bands(one: Instrument, result: str, cut_points: str, bands: Bands) -> list[dict[str, Any]]:
    ends = [*list(bands.values())[1:], None] if bands else []
    return [
        {
            "instrument": one.instrument,
            "result": result,
            "cut_points": cut_points or None,
            "band": band,
            "lowest": lowest,
            "below": below,
        }
        for (band, lowest), below in zip(bands.items(), ends, strict=True)
    ]


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_seeds(folder: Path = SEEDS_DIR) -> list[Path]:
    """Write every seed as a CSV file below `folder`. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in seeds().items():
        path = folder / f"{name}.csv"
        path.write_text(content)
        written.append(path)
    return written


if __name__ == "__main__":
    write_seeds()
