-- One row per row of rpt_practice_funnel and received referral: what it adds to each figure. A quarter is also one of
-- rpt_practice_demand.
with counted as (
    {{ funnel_referrals() }}
)

select
    *,
    period_start as quarter_start
from counted
