-- One row per received referral, day and link worker: who was named as working with the person on that day.
-- The one who accepted it, and whoever is named by what was done; the newest day up to a date says who has it then.
select distinct
    referrals.referral_key,
    events.occurred_on as named_on,
    events.link_worker_key
from (
    select
        stream_id as referral_key,
        occurred_on,
        referral_link_worker_key as link_worker_key
    from {{ ref('stg_log__referral_events') }}
    where referral_link_worker_key is not null
    union all
    select
        correlation_id as referral_key,
        occurred_on,
        engagement_link_worker_key as link_worker_key
    from {{ ref('stg_log__engagement_events') }}
    where engagement_link_worker_key is not null
) as events
inner join {{ ref('int_referrals') }} as referrals on events.referral_key = referrals.referral_key
where referrals.received_on is not null
