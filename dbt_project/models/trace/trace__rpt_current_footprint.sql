-- One row per row of rpt_current_footprint and received referral: what it adds to each figure.
with placed as (
    {{ footprint_rows() }}
)

select *
from placed
