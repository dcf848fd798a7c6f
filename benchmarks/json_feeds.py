"""What it costs to take JSON files through the gate: `python -m benchmarks.json_feeds`.

A file of FHIR resources, and one of JSON Lines, are read, judged, hashed and staged as the job does it, and beside that
DuckDB alone reads the same JSON Lines with types and writes Parquet. Ratios are of one run on one machine, by the wall
and by the processor's time of all threads; the second says more where the machine is shared.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.clock import Moment, machine, median, peak_mib
from ingestion.arrival import Arrival
from ingestion.contract import Contract, load_contract
from ingestion.gate import READERS, Gate
from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.privacy.keys import Keys
from linkwork.settings import Settings

FHIR, LINES = "fhir_r4_ndjson", "link_worker_jsonl"
TARGET_RESOURCES, TARGET_RATIO = 80_000, 0.25
SCT = "http://snomed.info/sct"
# What DuckDB alone is told of the JSON Lines: types, which it casts on reading.
TYPES = """{id: 'VARCHAR', type: 'VARCHAR', specversion: 'VARCHAR', source: 'VARCHAR', time: 'TIMESTAMPTZ',
    recordedtime: 'TIMESTAMPTZ', data: 'STRUCT("referralId" VARCHAR, "clientId" VARCHAR, "nhsNumber" VARCHAR,
    "practiceCode" VARCHAR, "linkWorkerId" VARCHAR, channel VARCHAR, minutes INTEGER)'}"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.json_feeds", description=__doc__)
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print(json.dumps(run(given.records, given.repeats), indent=2))


def run(records: int, repeats: int) -> dict[str, Any]:
    """Seconds and ratios of both feeds."""
    results: dict[str, Any] = {"machine": machine(), "records": records}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for feed, write in ((FHIR, _write_fhir), (LINES, _write_lines)):
            path = folder / f"{feed}.ndjson"
            write(path, records)
            contract = load_contract(
                Settings.model_fields["contracts_dir"].default / f"{feed}.yaml", Catalogue.current()
            )
            stages = {
                "reading": _timed(lambda p=path, c=contract: _read(p, c), repeats),
                "gate": _timed(lambda p=path, c=contract, f=folder: _gate(p, c, f), repeats),
            }
            if feed == LINES:
                stages["duckdb"] = _timed(lambda p=path, f=folder: _duckdb(p, f), repeats)
            results[feed] = {
                "megabytes": round(path.stat().st_size / 1e6, 1),
                **{what: {"wall": round(t.wall, 3), "processor": round(t.processor, 3)} for what, t in stages.items()},
                "records_per_second": round(records / stages["gate"].wall),
                "records_per_processor_second": round(records / stages["gate"].processor),
            }
            if feed == LINES:
                results[feed]["of_duckdb"] = round(stages["duckdb"].wall / stages["gate"].wall, 3)
                results[feed]["of_duckdb_processor"] = round(stages["duckdb"].processor / stages["gate"].processor, 3)
            path.unlink()
    results["peak_mib"] = round(peak_mib())
    return results


def _timed(work: Callable[[], object], repeats: int) -> Moment:
    taken = []
    for number in range(repeats):
        start = Moment.now()
        work()
        taken.append(Moment.now() - start)
        print(f"  repeat {number + 1}: {taken[-1].wall:.2f} s", file=sys.stderr)
    return median(taken)


def _read(path: Path, contract: Contract) -> int:
    return sum(batch.num_rows for _, batch in READERS[contract.file.format](path, contract).batches())


def _gate(path: Path, contract: Contract, folder: Path) -> None:
    keys = Keys(pseudonym=b"p" * 32, id=b"i" * 32, zone1=b"z" * 32)
    gate = Gate(Catalogue.current(), keys, True, None, folder / "spill")
    arrival = Arrival(path, contract.name, "S1", "test", "00", datetime(2025, 9, 1, tzinfo=UTC), "load", "batch")
    with tempfile.TemporaryDirectory(dir=folder) as staging:
        profile = gate.stage(arrival, contract, Path(staging), None)
    if profile["refused"] is not None or profile["quarantined"]:
        raise SystemExit(f"the file was not taken: {profile['refused']}, {profile['quarantined']} quarantined")


def _duckdb(path: Path, folder: Path) -> None:
    with engine.connect() as con:
        con.execute(
            f"""copy (select * from read_json({engine.text(path)}, format = 'newline_delimited', columns = {TYPES}))
            to {engine.text(folder / "alone.parquet")} (format parquet, compression zstd)"""
        )


def _write_fhir(path: Path, records: int) -> None:
    """Of ten resources three are Tasks, three Appointments, two ServiceRequests, a Condition and a Patient."""
    said = '"meta":{"versionId":"1","lastUpdated":"2025-08-01T09:15:27.123+01:00","profile":["https://fhir.hl7.org.uk/StructureDefinition/UKCore-X"]}'
    with path.open("w") as out:
        for n in range(records):
            person, kind = n // 10, n % 10
            head = f'"id":"{n}",{said}'
            if kind == 0:
                text = (
                    f'{{"resourceType":"Patient",{head},"identifier":[{{"system":"urn:local","value":"{n}"}}],"active":true,'
                    '"name":[{"family":"Example","given":["Some","One"]}],"gender":"female","birthDate":"1960-02-03",'
                    '"generalPractitioner":[{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code",'
                    '"value":"Z90101","period":{"start":"2020-01-01"}}}]}'
                )
            elif kind in (1, 2):
                text = (
                    f'{{"resourceType":"ServiceRequest",{head},"status":"active","intent":"order","code":{{"coding":'
                    f'[{{"system":"{SCT}","code":"871731000000106","display":"Referral to service"}}]}},'
                    f'"subject":{{"reference":"Patient/{person}0"}},"authoredOn":"2025-05-01T12:00:00Z","requester":'
                    f'{{"reference":"Practitioner/{n % 300}"}},"reasonCode":[{{"coding":[{{"system":"{SCT}","code":'
                    f'"267076002","display":"Feeling lonely"}}]}},{{"coding":[{{"system":"{SCT}",'
                    '"code":"105531004"}]}]}'
                )
            elif kind in (3, 4, 5):
                text = (
                    f'{{"resourceType":"Task",{head},"status":"accepted","intent":"order","code":{{"coding":[{{"system":'
                    '"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill"}]},'
                    f'"focus":{{"reference":"ServiceRequest/{person}1"}},"for":{{"reference":"Patient/{person}0"}},'
                    '"authoredOn":"2025-05-02T09:00:00Z","lastModified":"2025-05-06T10:00:00Z","owner":'
                    f'{{"reference":"Practitioner/{n % 50}"}}}}'
                )
            elif kind in (6, 7, 8):
                text = (
                    f'{{"resourceType":"Appointment",{head},"status":"fulfilled","start":"2025-06-02T09:30:00+01:00",'
                    '"end":"2025-06-02T09:40:00+01:00","created":"2025-05-20T12:00:00+01:00","participant":[{"actor":'
                    f'{{"reference":"Patient/{person}0"}},"status":"accepted"}},'
                    f'{{"actor":{{"reference":"Practitioner/{n % 300}"}},'
                    '"status":"accepted"}]}'
                )
            else:
                text = (
                    f'{{"resourceType":"Condition",{head},"clinicalStatus":{{"coding":[{{"code":"active"}}]}},"code":{{"coding":'
                    f'[{{"system":"{SCT}","code":"105531004","display":"Housing unsatisfactory"}}]}},'
                    f'"subject":{{"reference":"Patient/{person}0"}},"recordedDate":"2025-03-01"}}'
                )
            out.write(text + "\n")


def _write_lines(path: Path, records: int) -> None:
    with path.open("w") as out:
        for n in range(records):
            out.write(
                f'{{"specversion":"1.0","id":"{n}","source":"urn:x","type":"org.linkwork.contact.held",'
                '"time":"2025-07-01T09:00:00Z","recordedtime":"2025-07-01T18:00:00Z","data":{'
                f'"referralId":"R-{n // 7}","clientId":"c{n // 7}","practiceCode":"Z90101","linkWorkerId":"w{n % 90}",'
                f'"channel":"telephone","minutes":{n % 60 + 1}}}}}\n'
            )


if __name__ == "__main__":
    main()
