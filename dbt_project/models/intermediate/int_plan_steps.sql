-- One row per step of a personalised plan up to the cut-off: a plan or goal and its review, an action agreed and what
-- became of it, and what was done: a signpost, practical help, a referral to an activity. The kind of a plan or goal
-- says whether it was reviewed, that of an action how it stands. A review belongs to the goal of its own record; one
-- that names no goal tells of none of them by itself. Whether a review is missing or may still come is judged by what
-- the service has reported so far.
with steps as (
    select
        events.fact_id as step_key,
        events.stream_id,
        events.correlation_id as referral_key,
        events.subject_key,
        coalesce(events.provider_code, referrals.service_code) as service_code,
        events.practice_code as stated_practice_code,
        events.occurred_on as done_on,
        replace(events.event_type, '.', '_') as step,
        events.engagement_goal_status as goal_status,
        events.engagement_support_kind as support_kind,
        events.engagement_asset_id as asset_id,
        events.engagement_minutes as minutes,
        referrals.referral_key is not null as has_referral,
        coalesce(referrals.route, 'unknown') as route,
        referrals.state
    from {{ ref('stg_log__engagement_events') }} as events
    left join {{ ref('int_referrals') }} as referrals on events.correlation_id = referrals.referral_key
    where {{ is_plan_event('events.event_type') }}
    union all
    select
        facts.activity_fact_key as step_key,
        facts.activity_fact_key as stream_id,
        facts.referral_key,
        facts.subject_key,
        referrals.service_code,
        facts.stated_practice_code,
        facts.session_on as done_on,
        'activity_referred' as step,
        cast(null as string) as goal_status,
        cast(null as string) as support_kind,
        facts.asset_id,
        cast(null as integer) as minutes,
        facts.has_referral,
        facts.route,
        referrals.state
    from {{ ref('int_activity_facts') }} as facts
    left join {{ ref('int_referrals') }} as referrals on facts.referral_key = referrals.referral_key
    where facts.status = 'referred'
),

to_date as (
    select
        steps.*,
        coverage.last_on as reported_until
    from steps
    inner join {{ ref('stg_log__pinned') }} as pinned on steps.done_on <= pinned.cut_off
    left join {{ ref('int_service_coverage') }} as coverage on steps.service_code = coverage.service_code
),

own_reviews as (
    select
        stream_id,
        max({{ pack([['done_on', 'done_on'], ['step_key', 'step_key'], ['goal_status', 'goal_status']]) }}) as newest
    from to_date
    where step = 'goal_reviewed'
    group by stream_id
),

goals as (
    select distinct stream_id
    from to_date
    where step = 'goal_set'
),

-- The last day on which a plan of the referral was reviewed, and on which a review named no goal.
reviews as (
    select
        to_date.referral_key,
        max(case when to_date.step = 'plan_reviewed' then to_date.done_on end) as plan_reviewed_on,
        max(
            case when to_date.step = 'goal_reviewed' and goals.stream_id is null then to_date.done_on end
        ) as goals_reviewed_on
    from to_date
    left join goals on to_date.stream_id = goals.stream_id
    where to_date.referral_key is not null
    group by to_date.referral_key
)

select
    to_date.step_key,
    to_date.referral_key,
    to_date.subject_key,
    to_date.service_code,
    to_date.stated_practice_code,
    to_date.done_on,
    to_date.step,
    case
        when to_date.step = 'goal_reviewed' then coalesce(to_date.goal_status, 'not_stated')
        when to_date.step = 'support_given' then coalesce(to_date.support_kind, 'not_stated')
        when actions.step_key is not null then actions.kind
        when to_date.step not in ('goal_set', 'plan_agreed') then null
        when to_date.step = 'goal_set' and own_reviews.stream_id is not null
            then coalesce(own_reviews.newest.goal_status, 'not_stated')
        when to_date.step = 'goal_set' and reviews.goals_reviewed_on >= to_date.done_on then 'reviewed_unnamed'
        when to_date.step = 'plan_agreed' and reviews.plan_reviewed_on >= to_date.done_on then 'reviewed'
        when
            to_date.state in ('rejected', 'declined', 'closed', 'cancelled')
            or to_date.reported_until >= {{ add_days('to_date.done_on', var('follow_up_due_days')) }}
            then 'review_missing'
        else 'review_open'
    end as kind,
    to_date.step in ('signpost_made', 'support_given', 'activity_referred') as is_action,
    to_date.asset_id,
    to_date.minutes,
    to_date.has_referral,
    to_date.route
from to_date
left join own_reviews on to_date.stream_id = own_reviews.stream_id
left join {{ ref('int_plan_actions') }} as actions on to_date.step_key = actions.step_key
left join reviews on to_date.referral_key = reviews.referral_key
