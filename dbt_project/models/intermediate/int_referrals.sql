-- One row per referral with its milestones, as its sources last stated them, and its one present state.
-- Where it stands follows from its stays on a caseload: it has ended if none is open, on the day and by what ended the
-- last one. A reopening takes back what ended the referral before it: those milestones are not shown.
-- A referral whose request has not arrived has no state.
{%- set ends = ['rejected', 'declined', 'cancelled', 'closed'] %}

with course as (
    select
        referral_key,
        max(case when entered_by = 'reopened' then entered_on end) as reopened_on,
        max({{ pack([
            ['stay_number', 'stay_number'], ['left_on', 'left_on'], ['outcome', 'outcome'],
        ]) }}) as last_stay
    from {{ ref('int_caseload_stays') }}
    group by referral_key
),

standing as (
    select
        milestones.*,
        {%- for end in ends %}
        course.reopened_on is null
        or greatest(milestones.{{ end }}_on, milestones.received_on) > course.reopened_on as is_{{ end }}_standing,
        {%- endfor %}
        course.reopened_on,
        holds.held_on,
        holds.hold_ended_on,
        holds.is_dated as is_hold_dated,
        course.last_stay.left_on as ended_on,
        course.last_stay.outcome as ended_by
    from {{ ref('int_referral_milestones') }} as milestones
    left join course on milestones.referral_key = course.referral_key
    left join {{ ref('int_referral_holds') }} as holds on milestones.referral_key = holds.referral_key
)

select
    referral_key,
    subject_key,
    identity_quality,
    service_code,
    source_system,
    stated_practice_code,
    route,
    referrer_role,
    referrer_key,
    connector_model,
    reasons,
    decided_on,
    received_on,
    accepted_on,
    on_hold_on,
    held_on,
    hold_ended_on,
    is_hold_dated,
    reopened_on,
    {%- for end, said in {
        'rejected': 'rejection_reason', 'declined': 'decline_reason', 'cancelled': 'cancelled_by',
        'closed': 'closure_reason',
    }.items() %}
    case when is_{{ end }}_standing then {{ end }}_on end as {{ end }}_on,
    case when is_{{ end }}_standing then {{ said }} end as {{ said }},
    {%- endfor %}
    ended_on,
    -- How the offer to take part ended: a person may decline later, and has then still been accepted. Silence is no
    -- refusal.
    case
        when received_on is null then null
        when accepted_on is not null then 'accepted'
        when ended_by is null then 'open'
        when ended_by in ('rejected', 'declined') then ended_by
        when
            ended_by = 'closed'
            and (
                (is_closed_standing and closure_reason in ({{ no_response_reasons() }}))
                or (is_declined_standing and decline_reason in ({{ no_response_reasons() }}))
            )
            then 'no_response'
        else 'closed_unanswered'
    end as enrolment_outcome,
    -- Where the referral stands now: exactly one of these.
    case
        when received_on is null then null
        when ended_by is not null then ended_by
        when held_on is not null and hold_ended_on is null then 'on_hold'
        when accepted_on is not null then 'active'
        else 'waiting'
    end as state
from standing
