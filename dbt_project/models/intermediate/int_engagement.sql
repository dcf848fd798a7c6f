-- One row per referral that link-worker events name: when each step of engagement first happened.
select
    correlation_id as referral_key,
    min(case when event_type = 'contact.attempted' then occurred_on end) as first_contact_attempted_on,
    min(case when event_type = 'contact.held' then occurred_on end) as first_contact_held_on,
    count(case when event_type = 'contact.attempted' then 1 end) as contacts_attempted,
    count(case when event_type = 'contact.held' then 1 end) as contacts_held,
    count(case when event_type = 'contact.missed' then 1 end) as contacts_missed,
    min(case when event_type = 'plan.agreed' then occurred_on end) as plan_agreed_on,
    min(case when event_type = 'signpost.made' then occurred_on end) as first_signpost_on
from {{ ref('stg_log__engagement_events') }}
where correlation_id is not null
group by correlation_id
