-- One row per fact by which somebody used a community asset, or was put in touch with one: a signpost, or a part in an
-- activity. Facts after the cut-off are to come and have no row.
-- An id that the directory does not know is its source's own: two groups may call different things by it. Somebody's
-- outcome at a session counts once, however many sources state it: attended, else missed, else cancelled.
with directory as (
    select count(*) as services
    from {{ ref('int_assets') }}
),

stated as (
    select
        activity_fact_key as use_key,
        referral_key,
        subject_key,
        group_code as stated_group_code,
        stated_practice_code,
        session_on as used_on,
        status as asset_use,
        asset_id,
        category,
        delivery,
        role,
        cancelled_by,
        route
    from {{ ref('int_activity_facts') }}
    union all
    select
        events.fact_id as use_key,
        events.correlation_id as referral_key,
        events.subject_key,
        events.provider_code as stated_group_code,
        events.practice_code as stated_practice_code,
        events.occurred_on as used_on,
        'signposted' as asset_use,
        events.engagement_asset_id as asset_id,
        'uncoded' as category,
        cast(null as string) as delivery,
        'participant' as role,
        cast(null as string) as cancelled_by,
        coalesce(referrals.route, 'unknown') as route
    from {{ ref('stg_log__engagement_events') }} as events
    left join {{ ref('int_referrals') }} as referrals on events.correlation_id = referrals.referral_key
    where events.event_type = 'signpost.made'
),

known as (
    select
        stated.use_key,
        stated.referral_key,
        stated.subject_key,
        stated.stated_practice_code,
        stated.used_on,
        stated.asset_use,
        coalesce(stated.asset_id, 'UNKNOWN') as asset_id,
        case
            when stated.asset_id is null then 'not_stated'
            when directory.services = 0 then 'no_directory'
            when assets.asset_id is null then 'not_listed'
            else 'listed'
        end as asset_match,
        case when assets.asset_id is null then coalesce(stated.stated_group_code, 'UNKNOWN') else 'all' end
            as group_code,
        coalesce(nullif(stated.category, 'uncoded'), assets.category, 'uncoded') as category,
        assets.session_capacity,
        stated.delivery,
        stated.role,
        stated.cancelled_by,
        stated.route,
        stated.asset_use in ('booked', 'attended', 'missed', 'cancelled') as is_of_session,
        case when stated.asset_use in ('attended', 'missed', 'cancelled') then 'outcome' else stated.asset_use end
            as kind_of_use
    from stated
    cross join directory
    inner join {{ ref('stg_log__pinned') }} as pinned on stated.used_on <= pinned.cut_off
    left join {{ ref('int_assets') }} as assets on stated.asset_id = assets.asset_id
),

in_places as (
    select
        *,
        {{ id_text('coalesce(subject_key, use_key)') }} as part_of,
        asset_match || '/' || group_code || '/' || asset_id || '/' || cast(used_on as string)
        || case when delivery = 'one_to_one' then '/' || {{ id_text('coalesce(subject_key, use_key)') }} else '' end
            as session_id
    from known
)

select
    *,
    row_number() over (
        partition by asset_match, group_code, asset_id, used_on, part_of, kind_of_use
        order by
            case asset_use when 'attended' then 1 when 'missed' then 2 else 3 end, role, use_key
    ) = 1 as is_counted,
    -- Whether any source says what became of somebody's place.
    max(case when kind_of_use = 'outcome' then 1 else 0 end) over (
        partition by asset_match, group_code, asset_id, used_on, part_of
    ) = 1 as has_outcome
from in_places
