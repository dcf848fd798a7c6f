-- One row per statement about an action of a plan up to the cut-off: an action agreed, or what became of one. An
-- action is known by its own id; an update that names none tells of none by itself. The status and planned day of an
-- action are those last stated. What was neither done nor called off is overdue if its day had passed when its service
-- last reported, or when the referral ended; after the end of a referral it was left open.
{%- set place = [['occurred_on', 'occurred_on'], ['event_type', 'event_type'], ['step_key', 'step_key']] %}

with said as (
    select
        events.fact_id as step_key,
        events.stream_id,
        events.event_type,
        events.occurred_on,
        events.engagement_action_what as what,
        events.engagement_action_who as who,
        events.engagement_action_planned_on as planned_on,
        events.engagement_action_status as status,
        events.engagement_action_confidence as confidence,
        referrals.state in ('rejected', 'declined', 'closed', 'cancelled') as is_over,
        least(referrals.ended_on, coverage.last_on) as known_until
    from {{ ref('stg_log__engagement_events') }} as events
    inner join {{ ref('stg_log__pinned') }} as pinned on events.occurred_on <= pinned.cut_off
    left join {{ ref('int_referrals') }} as referrals on events.correlation_id = referrals.referral_key
    left join {{ ref('int_service_coverage') }} as coverage
        on coalesce(events.provider_code, referrals.service_code) = coverage.service_code
    where events.event_type in ('action.set', 'action.updated')
),

-- Of one day what was agreed comes before what became of it.
last_said as (
    select
        stream_id,
        max(case when status is not null then {{ pack(place + [['status', 'status']]) }} end) as of_status,
        max(case when planned_on is not null then {{ pack(place + [['planned_on', 'planned_on']]) }} end) as of_day
    from said
    group by stream_id
)

select
    said.step_key,
    said.what,
    said.who,
    said.confidence,
    last_said.of_day.planned_on,
    case
        when said.event_type = 'action.updated' then coalesce(said.status, 'not_stated')
        when last_said.of_status.status in ('done', 'refused', 'cancelled') then last_said.of_status.status
        when last_said.of_day.planned_on < said.known_until then 'overdue'
        when said.is_over then 'left_open'
        else 'open'
    end as kind
from said
inner join last_said on said.stream_id = last_said.stream_id
