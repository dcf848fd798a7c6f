-- One row per code that a referral, need or activity holds: its category, its mapping, and what is wrong with it.
select
    referral_key as holder_key,
    'reason' as held_as,
    position,
    subject_key,
    service_code as sender_code,
    source_system,
    received_on as coded_on,
    code,
    cast(null as string) as code_system,
    cast(null as string) as source_term,
    term as mapped_term,
    category,
    mapping_version,
    fault,
    is_mapped
from {{ ref('int_referral_reason_codes') }}
union all
select
    need_key as holder_key,
    'need' as held_as,
    1 as position,
    subject_key,
    coalesce(provider_code, practice_code) as sender_code,
    source_system,
    recorded_on as coded_on,
    code,
    code_system,
    source_term,
    term as mapped_term,
    category,
    mapping_version,
    fault,
    is_mapped
from {{ ref('int_needs') }}
where code is not null
union all
select
    activity_fact_key as holder_key,
    'activity' as held_as,
    1 as position,
    subject_key,
    group_code as sender_code,
    source_system,
    session_on as coded_on,
    source_category as code,
    cast(null as string) as code_system,
    cast(null as string) as source_term,
    term as mapped_term,
    category,
    mapping_version,
    fault,
    is_mapped
from {{ ref('int_activity_facts') }}
where source_category is not null
