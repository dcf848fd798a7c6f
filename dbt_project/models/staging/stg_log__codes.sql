-- One row per load and code it sent, with the code's use, system and day: how many events hold it.
-- Reasons of referrals, needs, and categories of activities; an empty text stands for a system that is not said.
with referrals as (
    select
        load_id,
        source_system,
        occurred_on,
        referral_reasons
    from {{ ref('base_log__events') }}
    where event_type = 'referral.received'
),

codes as (
    select
        load_id,
        'need' as code_use,
        code,
        '' as code_system,
        coalesce(source_system, '') as source_system,
        occurred_on as coded_on
    from (
        {{ unnest_with_position('referrals', ['load_id', 'source_system', 'occurred_on'], 'referral_reasons', 'code') }}
    ) as reasons
    union all
    select
        load_id,
        'need' as code_use,
        need_code as code,
        coalesce(need_code_system, '') as code_system,
        coalesce(source_system, '') as source_system,
        occurred_on as coded_on
    from {{ ref('base_log__events') }}
    where event_type = 'need.recorded'
    union all
    select
        load_id,
        'activity' as code_use,
        activity_category as code,
        '' as code_system,
        coalesce(source_system, '') as source_system,
        occurred_on as coded_on
    from {{ ref('base_log__events') }}
    where category = 'activity'
)

select
    load_id,
    code_use,
    code,
    code_system,
    source_system,
    coded_on,
    count(*) as entries
from codes
where code is not null
group by load_id, code_use, code, code_system, source_system, coded_on
