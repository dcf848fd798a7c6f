"""Data nobody here made: the Synthea sample goes through the whole job by contracts alone."""

import shutil
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "synthea_csv"
FEEDS = {"patients": 27, "encounters": 604, "conditions": 438}

pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason="the Synthea sample is not beside the project")


@pytest.fixture(scope="module")
def synthea(install):
    made = install("synthea")
    for kind in FEEDS:
        folder = made.folder / "landing" / f"synthea_{kind}_csv" / "SYNTHEA"
        folder.mkdir(parents=True)
        shutil.copyfile(SAMPLE / f"{kind}.csv", folder / f"{kind}.csv")
    feeds = [word for kind in FEEDS for word in ("--feed", f"synthea_{kind}_csv")]
    made.run("sender", "add", "SYNTHEA", "--name", "Synthea sample", "--source-system", "synthea", *feeds)
    made.run("run", "--landing", "landing")
    return made


def test_every_record_is_accounted_for(synthea):
    loads = {load["feed"]: load for load in synthea.json("load", "list")}
    for kind, records in FEEDS.items():
        load = loads[f"synthea_{kind}_csv"]
        assert (load["status"], load["records"], load["quarantined"]) == ("committed", records, 0)
        assert load["records"] == load["accepted"] + load["duplicate"] + load["conflict"] + load["skipped"]
    assert loads["synthea_conditions_csv"]["accepted"] == 117
    assert loads["synthea_conditions_csv"]["skipped"] == 321


def test_the_marts_show_them(synthea):
    def count(table: str) -> int:
        return synthea.sql(f"select count(*) as n from {table}")[0]["n"]

    assert (count("dim_people"), count("fct_appointments"), count("fct_needs")) == (27, 604, 117)
    by_term = synthea.sql("select code, count(*) as n from fct_needs group by 1 order by n desc, 1 limit 3")
    assert [row["n"] for row in by_term] == [47, 26, 20]
    quality = synthea.sql("select feed, sum(records)::bigint as records from rpt_data_quality group by 1 order by 1")
    assert {row["feed"]: row["records"] for row in quality} == {f"synthea_{k}_csv": n for k, n in FEEDS.items()}
