-- One row per row of fct_registered_people and person it counts; its day begins a quarter of fct_practice_quarters.
with people as (
    {{ registered_people() }}
)

select
    *,
    census_on as quarter_start
from people
