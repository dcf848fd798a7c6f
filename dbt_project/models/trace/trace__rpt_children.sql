-- One row per row of rpt_children and referral of a child that counts in it.
with counted as (
    {{ children_rows() }}
)

select *
from counted
