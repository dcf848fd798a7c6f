-- One row per fact about a person's part in a community activity: arranged, attended, missed, completed and so on.
select
    events.fact_id as activity_fact_key,
    events.correlation_id as referral_key,
    events.subject_key,
    events.provider_code as group_code,
    events.practice_code as stated_practice_code,
    coalesce(events.source_system, '') as source_system,
    events.occurred_on as session_on,
    substr(events.event_type, 10) as status,
    events.activity_asset_id as asset_id,
    events.activity_category as source_category,
    coalesce(codes.category, 'uncoded') as category,
    codes.mapping_version,
    codes.term,
    codes.fault,
    coalesce(codes.is_mapped, false) as is_mapped,
    events.activity_delivery as delivery,
    coalesce(events.activity_role, 'participant') as role,
    events.activity_cancelled_by as cancelled_by,
    coalesce(referrals.route, 'unknown') as route,
    referrals.referral_key is not null as has_referral
from {{ ref('stg_log__activity_events') }} as events
left join {{ ref('int_codes') }} as codes
    on
        events.activity_category = codes.code
        and codes.code_use = 'activity'
        and codes.code_system = ''
        and coalesce(events.source_system, '') = codes.source_system
        and events.occurred_on = codes.coded_on
left join {{ ref('int_referrals') }} as referrals on events.correlation_id = referrals.referral_key
