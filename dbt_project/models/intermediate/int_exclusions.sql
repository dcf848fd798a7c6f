-- One row per kind of opt-out in force today, and one row any: how many people are left out because of it.
with exclusions as (
    select * from {{ ref('base_log__exclusions') }}
),

people as (
    select
        person_key,
        bool_or(was_in_force) as was_in_force
    from exclusions
    group by person_key
)

select
    opt_out,
    count(*) as people,
    count(case when not was_in_force then 1 end) as people_since
from exclusions
group by opt_out
union all
select
    'any' as opt_out,
    count(*) as people,
    count(case when not was_in_force then 1 end) as people_since
from people
having count(*) > 0
