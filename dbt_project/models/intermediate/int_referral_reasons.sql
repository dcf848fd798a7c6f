-- One row per received referral and roll-up category of its reasons; a referral without any coded reason has uncoded.
-- Several codes of one category are one reason. The mapping is the one valid on the day of receipt.
with referrals as (
    select
        referral_key,
        received_on,
        reasons
    from {{ ref('int_referrals') }}
    where received_on is not null
),

reasons as (
    {{ unnest_with_position('referrals', ['referral_key', 'received_on'], 'reasons', 'code') }}
),

mapped as (
    select
        reasons.referral_key,
        reasons.position,
        mapping.mapping_version,
        coalesce(mapping.category, 'uncoded') as reason_category,
        mapping.code is not null as is_mapped
    from reasons
    left join {{ ref('reason_categories') }} as mapping
        on
            reasons.code = mapping.code
            and reasons.received_on >= mapping.valid_from
            and reasons.received_on <= coalesce(mapping.valid_to, reasons.received_on)
    union all
    select
        referral_key,
        1 as position,
        cast(null as varchar) as mapping_version,
        'uncoded' as reason_category,
        false as is_mapped
    from referrals
    where coalesce({{ list_length('reasons') }}, 0) = 0
)

select
    referral_key,
    reason_category,
    bool_or(position = 1) as is_primary,
    count(*) as codes,
    count(case when not is_mapped then 1 end) as unmapped_codes,
    max(mapping_version) as mapping_version
from mapped
group by referral_key, reason_category
