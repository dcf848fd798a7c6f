"""What is really so, in a folder that no part of the platform reads."""

import json
from pathlib import Path

import duckdb


def write(con: duckdb.DuckDBPyConnection, folder: Path, parameters: dict[str, object]) -> None:
    """Write people.parquet (one row a person), referrals.parquet (one row a referral), actions.parquet (one row an
    action of a plan, as it stands at the end), offers.parquet (one row an offer at a practice, and what of it is
    coded), referral_pairs.csv (one row a referral that practice and service both report), requests_alone.csv (those
    that no service entered), practices.csv, networks.csv (who was in which network, and under which board, from when
    until when) and parameters.json.
    """
    target = str(folder / "people.parquet").replace("'", "''")
    con.execute("set threads = 1")  # one thread writes one order of row groups
    con.execute(f"""
        copy (
            select p.id as person_id, p.nhs_number, p.number_held as nhs_number_sent, p.sex,
                   p.ethnic_category, p.date_of_birth,
                   p.imd_decile, p.registered_on, p.left_on, n.code as moved_to, p.died_on,
                   p.need, coalesce(s.spells, 0) as illness_spells,
                   r.referrals is not null as referred,
                   coalesce(r.referrals, 0) as referrals, r.first_received_on, r.engaged_from,
                   if(r.engaged_from is null, 1.0, p.rate_ratio)::double as true_rate_ratio
            from people as p left join practices as n on n.number = p.next_practice
            left join (select id, count(*) as spells from spells group by id) as s using (id)
            left join (select id, count(*) as referrals, min(received_on) as first_received_on,
                min(first_held) as engaged_from
                       from referrals group by id) as r using (id)
            order by person_id
        ) to '{target}' (format parquet)
    """)
    referred = str(folder / "referrals.parquet").replace("'", "''")
    con.execute(f"""
        copy (
            select service, 'R-' || serial as referral_id, id as person_id, practice_code, route, decided as decided_on,
                   received_on, accepted_on, declined_on, on_hold_on, resumed_on, first_held as first_held_on,
                   pull as engagement_pull
            from referrals left join holds using (ref) order by service, serial
        ) to '{referred}' (format parquet)
    """)
    actions = str(folder / "actions.parquet").replace("'", "''")
    con.execute(f"""
        copy (
            select service, 'A-' || serial || '-' || a as action_id, 'R-' || serial as referral_id, id as person_id,
                   set_on, what, who, planned_on, confidence, begun_on, ended_on, status, is_hands_on
            from actions join referrals using (ref) order by service, serial, a
        ) to '{actions}' (format parquet)
    """)
    offered = str(folder / "offers.parquet").replace("'", "''")
    con.execute(f"""
        copy (
            select o.practice_code, o.id as person_id, day as offered_on, answer, service,
                   'R-' || serial as referral_id, offer_coded, answer_coded, coded_again_on
            from offer_codes as o left join referrals using (ref) order by o.practice_code, day, ref
        ) to '{offered}' (format parquet)
    """)
    taken_up = str(folder / "practices.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select r.practice_code, r.began_on as refers_from, c.closed_on, s.code as successor,
                   m.since as next_system_from
            from rollouts as r left join closures as c using (practice_code) left join practices as s
                on s.number = c.successor left join migrations as m using (practice_code)
            order by 1
        )
        to '{taken_up}' (format csv, header)
    """)
    belonged = str(folder / "networks.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select code as practice_code, printf('U99%03d', network) as network, board,
                   greatest(joined_on, since) as from_day, least(left_on, until) as to_day
            from memberships join practices using (number) join boards using (network)
            where from_day <= coalesce(to_day, 'infinity') order by 1, 4
        )
        to '{belonged}' (format csv, header)
    """)
    pairs = str(folder / "referral_pairs.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select practice_code as practice_sender, practice_reference, service as service_sender,
                   'R-' || serial as service_reference, shared_reference
            from requests where serial is not null order by all
        ) to '{pairs}' (format csv, header)
    """)
    alone = str(folder / "requests_alone.csv").replace("'", "''")
    con.execute(f"""
        copy (
            select practice_code as practice_sender, practice_reference, service_stated
            from requests where serial is null order by all
        ) to '{alone}' (format csv, header)
    """)
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=2, sort_keys=True) + "\n", encoding="utf-8")
