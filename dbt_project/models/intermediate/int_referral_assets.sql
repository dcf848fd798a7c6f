-- One row per referral and community asset that it led to: by a signpost, an arrangement or an attendance.
select
    referral_key,
    asset_id,
    min(used_on) as first_used_on
from (
    select
        correlation_id as referral_key,
        engagement_asset_id as asset_id,
        occurred_on as used_on
    from {{ ref('stg_log__engagement_events') }}
    where event_type = 'signpost.made'
    union all
    select
        correlation_id as referral_key,
        activity_asset_id as asset_id,
        occurred_on as used_on
    from {{ ref('int_own_activity') }}
    where event_type in ('activity.referred', 'activity.booked', 'activity.attended', 'activity.completed')
) as uses
where referral_key is not null and asset_id is not null
group by referral_key, asset_id
