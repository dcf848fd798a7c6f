-- One row per row of fct_registered_people and person it counts.
with people as (
    {{ registered_people() }}
)

select *
from people
