-- One row per received referral: the practice, network and board the person belonged to on the day of receipt.
-- The registration of that day decides, the latest start first; without one, what the sender states. A practice that
-- reference data does not know on that day is kept as UNKNOWN; one that was taken over counts for its successor.
with referrals as (
    select *
    from {{ ref('int_referrals') }}
    where received_on is not null
),

registered as (
    select
        referrals.referral_key,
        max({{ pack([
            ['started_on', 'registrations.started_on'],
            ['practice_code', 'registrations.practice_code'],
        ]) }}) as latest
    from referrals
    inner join {{ ref('int_registrations') }} as registrations
        on
            referrals.subject_key = registrations.subject_key
            and referrals.received_on >= registrations.started_on
            and referrals.received_on <= coalesce(registrations.ended_on, referrals.received_on)
    group by referrals.referral_key
),

attributed as (
    select
        referrals.referral_key,
        referrals.received_on,
        coalesce(registered.latest.practice_code, referrals.stated_practice_code) as practice_code,
        case
            when registered.latest.practice_code is not null then 'registration'
            when referrals.stated_practice_code is not null then 'stated'
            else 'unknown'
        end as practice_basis
    from referrals
    left join registered on referrals.referral_key = registered.referral_key
),

known as (
    {{ practice_as_at(asked='attributed', code='practice_code', day='received_on') }}
)

select
    attributed.referral_key,
    attributed.practice_basis,
    coalesce(known.practice_match, 'unknown') as practice_match,
    coalesce(known.organisation_key, 'UNKNOWN') as organisation_key,
    coalesce(known.practice_code_then, 'UNKNOWN') as practice_code,
    coalesce(known.pcn_code, 'UNKNOWN') as pcn_code,
    coalesce(known.icb_code, 'UNKNOWN') as icb_code
from attributed
left join known
    on
        attributed.practice_code = known.practice_code
        and attributed.received_on = known.received_on
