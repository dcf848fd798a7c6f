-- One row per row of rpt_equity, stratum of age and sex, and received referral that reached the measure: what it adds
-- to each figure.
with reached as (
    {{ equity_referrals() }}
)

select *
from reached
