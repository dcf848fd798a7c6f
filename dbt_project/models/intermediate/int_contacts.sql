-- One row per contact of a link worker with a person: attempted, held, missed or cancelled.
select
    events.fact_id as contact_key,
    events.correlation_id as referral_key,
    events.subject_key,
    events.provider_code as service_code,
    events.practice_code as stated_practice_code,
    events.occurred_on as contact_on,
    substr(events.event_type, 9) as status,
    events.engagement_channel as channel,
    events.engagement_minutes as minutes,
    events.engagement_outcome as outcome,
    events.engagement_link_worker_key as link_worker_key,
    coalesce(referrals.route, 'unknown') as route,
    referrals.referral_key is not null as has_referral
from {{ ref('stg_log__engagement_events') }} as events
left join {{ ref('int_referrals') }} as referrals on events.correlation_id = referrals.referral_key
where events.event_type in ('contact.attempted', 'contact.held', 'contact.missed', 'contact.cancelled')
