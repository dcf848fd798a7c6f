-- One row per received referral and roll-up category of its reasons; a referral without any coded reason has uncoded.
-- Several codes of one category are one reason. The mapping is the one valid on the day of receipt.
with reasons as (
    select
        referral_key,
        position,
        code,
        term,
        category,
        mapping_version,
        is_mapped
    from {{ ref('int_referral_reason_codes') }}
    union all
    select
        referral_key,
        1 as position,
        cast(null as string) as code,
        cast(null as string) as term,
        'uncoded' as category,
        cast(null as string) as mapping_version,
        false as is_mapped
    from {{ ref('int_referrals') }}
    where
        received_on is not null
        and coalesce({{ list_length('reasons') }}, 0) = 0
)

select
    referral_key,
    category as reason_category,
    bool_or(position = 1) as is_primary,
    count(*) as codes,
    count(case when not is_mapped then 1 end) as unmapped_codes,
    {{ joined_in_order('code', '; ', 'position') }} as source_codes,
    {{ joined_in_order('term', '; ', 'position') }} as source_terms,
    max(mapping_version) as mapping_version
from reasons
group by referral_key, category
