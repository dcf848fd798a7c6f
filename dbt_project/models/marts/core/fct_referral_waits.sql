-- One row per received referral and wait (for first contact, first activity or closure): how it ended, and when.
-- A wait begins on the day of receipt and ends with what is waited for (event), with what rules it out (competing: any
-- other end of the referral, or the person's death) or where it was last seen (censored: the last day of the service's
-- own feeds, for activities that of the groups if earlier). A planned closure does not rule out an activity after it.
-- Days on hold count, because the person waits; how many there were, up to the end of the hold or wait, is beside it.
with referrals as (
    select * from {{ ref('fct_referrals') }}
),

waits as (
    select
        referral_id,
        'first_contact' as endpoint,
        first_contact_held_on as event_on,
        ended_on as ruled_out_on,
        followed_to
    from referrals
    union all
    select
        referrals.referral_id,
        'first_activity' as endpoint,
        referrals.first_activity_attended_on as event_on,
        case
            when
                referrals.state = 'closed'
                and coalesce(referrals.closure_reason in ('completed', 'onward_referral'), false)
                then null
            else referrals.ended_on
        end as ruled_out_on,
        case
            when activity.last_on is not null then least(referrals.followed_to, activity.last_on)
        end as followed_to
    from referrals
    cross join {{ ref('int_activity_coverage') }} as activity
    union all
    select
        referral_id,
        'closure' as endpoint,
        case when state = 'closed' then ended_on end as event_on,
        case when state <> 'closed' then ended_on end as ruled_out_on,
        followed_to
    from referrals
),

dated as (
    select
        waits.referral_id,
        waits.endpoint,
        waits.event_on,
        waits.ruled_out_on,
        referrals.died_on,
        least(waits.ruled_out_on, referrals.died_on) as other_on,
        greatest(coalesce(waits.followed_to, referrals.received_on), referrals.received_on) as seen_to,
        referrals.received_on,
        case
            when referrals.on_hold_on is not null then greatest(referrals.on_hold_on, referrals.received_on)
        end as held_on,
        referrals.hold_ended_on
    from waits
    inner join referrals on waits.referral_id = referrals.referral_id
),

ended as (
    select
        *,
        case
            when event_on <= seen_to and coalesce(event_on <= other_on, true) then 'event'
            when other_on <= seen_to then 'competing'
            else 'censored'
        end as outcome
    from dated
),

timed as (
    select
        *,
        greatest(
            received_on,
            case outcome when 'event' then event_on when 'competing' then other_on else seen_to end
        ) as until_on
    from ended
)

select
    timed.referral_id,
    timed.endpoint,
    referrals.person_id,
    timed.received_on,
    timed.until_on,
    timed.outcome,
    case
        when timed.outcome = 'competing' and coalesce(timed.died_on < timed.ruled_out_on, timed.ruled_out_on is null)
            then 'died'
        when timed.outcome = 'competing' then referrals.state
    end as ruled_out_by,
    cast({{ days_between('timed.received_on', 'timed.until_on') }} as integer) as days,
    last_day.working_day_number - first_day.working_day_number as working_days,
    coalesce(timed.held_on <= timed.until_on, false) as was_on_hold,
    hold_last_day.working_day_number - hold_first_day.working_day_number as working_days_on_hold,
    {%- for breakdown in uptake_breakdowns() %}
    referrals.{{ breakdown }},
    {%- endfor %}
    referrals.link_basis,
    referrals.service_code,
    referrals.practice_code,
    referrals.pcn_code,
    referrals.icb_code
from timed
inner join referrals on timed.referral_id = referrals.referral_id
left join {{ ref('dim_calendar') }} as first_day on timed.received_on = first_day.day
left join {{ ref('dim_calendar') }} as last_day on timed.until_on = last_day.day
-- Without a hold, or with one after the wait, both are the wait's last day.
left join {{ ref('dim_calendar') }} as hold_first_day on least(timed.held_on, timed.until_on) = hold_first_day.day
left join {{ ref('dim_calendar') }} as hold_last_day on least(timed.hold_ended_on, timed.until_on) = hold_last_day.day
