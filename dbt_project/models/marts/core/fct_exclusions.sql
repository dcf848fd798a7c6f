-- One row per kind of opt-out in force today, and one row any: how many people are left out of every other mart.
select
    opt_out,
    people,
    people_since
from {{ ref('int_exclusions') }}
