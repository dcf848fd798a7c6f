-- One row per received referral: the person and their practice, network and board as at the day of receipt.
with referrals as (
    select *
    from {{ ref('int_referrals') }}
    where received_on is not null
),

attributes as (
    {{ person_as_at(asked='referrals', keys=['referral_key'], day='received_on', practice='stated_practice_code') }}
)

select *
from attributes
