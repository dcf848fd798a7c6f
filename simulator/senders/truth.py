"""What is really so, in a folder that no part of the platform reads."""

import json
from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, folder: Path, parameters: dict[str, object]) -> None:
    """Write people.parquet (one row a person) and parameters.json."""
    ratio = float(str(parameters["effect_rate_ratio"]))
    target = str(folder / "people.parquet").replace("'", "''")
    con.execute("set threads = 1")  # one thread writes one order of row groups
    con.execute(f"""
        copy (
            select p.id as person_id, p.nhs_number, p.number_held as nhs_number_sent, p.sex,
                   p.ethnic_category, p.date_of_birth,
                   p.imd_decile, p.need, coalesce(s.spells, 0) as illness_spells,
                   r.referrals is not null as referred,
                   coalesce(r.referrals, 0) as referrals, r.first_received_on, r.engaged_from,
                   if(r.engaged_from is null, 1.0, {ratio})::double as true_rate_ratio
            from people as p
            left join (select id, count(*) as spells from spells group by id) as s using (id)
            left join (select id, count(*) as referrals, min(received_on) as first_received_on,
                min(first_held) as engaged_from
                       from referrals group by id) as r using (id)
            order by person_id
        ) to '{target}' (format parquet)
    """)
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=2, sort_keys=True) + "\n", encoding="utf-8")
