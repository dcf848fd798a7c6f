-- One row per row of rpt_practice_demand and contact that it counts.
with counted as (
    {{ demand_contacts() }}
)

select *
from counted
