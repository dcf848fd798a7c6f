-- One row per referral that activity events name: when each step of community activity first happened.
select
    correlation_id as referral_key,
    min(case when event_type in ('activity.referred', 'activity.booked') then occurred_on end) as first_arranged_on,
    min(case when event_type = 'activity.attended' then occurred_on end) as first_attended_on,
    count(case when event_type = 'activity.attended' then 1 end) as sessions_attended,
    min(case when event_type = 'activity.completed' then occurred_on end) as completed_on
from {{ ref('int_own_activity') }}
where correlation_id is not null
group by correlation_id
