-- One row per reason of a received referral, as it was sent, with the category its code had on the day of receipt.
with referrals as (
    select
        referral_key,
        subject_key,
        service_code,
        received_on,
        reasons,
        coalesce(source_system, '') as source_system
    from {{ ref('int_referrals') }}
    where received_on is not null
),

reasons as (
    {{ unnest_with_position(
        'referrals', ['referral_key', 'subject_key', 'service_code', 'received_on', 'source_system'], 'reasons', 'code'
    ) }}
)

select
    reasons.referral_key,
    reasons.position,
    reasons.subject_key,
    reasons.service_code,
    reasons.source_system,
    reasons.received_on,
    reasons.code,
    codes.category,
    codes.mapping_version,
    codes.term,
    codes.fault,
    codes.is_mapped
from reasons
inner join {{ ref('int_codes') }} as codes
    on
        reasons.code = codes.code
        and codes.code_use = 'need'
        and codes.code_system = ''
        and reasons.source_system = codes.source_system
        and reasons.received_on = codes.coded_on
