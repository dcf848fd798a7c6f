-- One row per outcome measure or quantity taken: the person and their practice, network and board as at its day.
with attributes as (
    {{ person_as_at(
        asked=ref('int_measures'), keys=['measure_key'], day='measured_on', practice='stated_practice_code'
    ) }}
)

select
    attributes.*,
    coalesce(referrals.route, 'unknown') as route
from attributes
inner join {{ ref('int_measures') }} as measures on attributes.measure_key = measures.measure_key
left join {{ ref('int_referrals') }} as referrals on measures.referral_key = referrals.referral_key
