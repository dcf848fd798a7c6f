-- One row per received referral and wait (for first contact, first activity or closure): how it ended, and when.
-- A wait begins on the day of receipt and ends with what is waited for (event), with what rules it out (competing: any
-- other end of the referral, or the person's death) or where it was last seen (censored: the last day of the service's
-- own feeds, for activities that of the groups if earlier). A planned closure does not rule out an activity after it.
-- Days on hold count, because the person waits; how many there were, up to the end of the hold or wait, is beside it.
-- A wait that begins or ends in a month or year has no length: the first day of it is only the earliest.
with referrals as (
    select * from {{ ref('fct_referrals') }}
),

waits as (
    {{ uptake_endpoints('referrals') }}
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
        referrals.hold_ended_on,
        referrals.is_hold_dated,
        referrals.is_received_dated,
        referrals.person_id,
        referrals.state
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
        ) as until_on,
        case
            when outcome = 'competing' and coalesce(died_on < ruled_out_on, ruled_out_on is null) then 'died'
            when outcome = 'competing' then state
        end as ruled_out_by
    from ended
),

-- An end that is stated for an earlier day than the receipt ends the wait on the day of receipt.
inexact_ends as (
    select distinct
        timed.referral_id,
        timed.endpoint
    from timed
    inner join {{ ref('int_inexact_days') }} as inexact
        on
            {{ id_text('inexact.about_key') }}
            = case when timed.ruled_out_by = 'died' then timed.person_id else timed.referral_id end
            and timed.until_on = greatest(inexact.occurred_on, timed.received_on)
    where {{ is_end_of_wait('timed', 'inexact') }}
),

known as (
    select
        timed.*,
        timed.is_received_dated and inexact_ends.referral_id is null as is_dated
    from timed
    left join inexact_ends
        on
            timed.referral_id = inexact_ends.referral_id
            and timed.endpoint = inexact_ends.endpoint
)

select
    known.referral_id,
    known.endpoint,
    referrals.person_id,
    known.received_on,
    known.until_on,
    known.outcome,
    known.ruled_out_by,
    known.is_dated,
    case
        when known.is_dated then cast({{ days_between('known.received_on', 'known.until_on') }} as integer)
    end as days,
    case when known.is_dated then last_day.working_day_number - first_day.working_day_number end as working_days,
    coalesce(known.held_on <= known.until_on, false) as was_on_hold,
    case
        when known.is_dated and coalesce(known.is_hold_dated or known.held_on > known.until_on, true)
            then hold_last_day.working_day_number - hold_first_day.working_day_number
    end as working_days_on_hold,
    {%- for breakdown in uptake_breakdowns() %}
    referrals.{{ breakdown }},
    {%- endfor %}
    referrals.link_basis,
    referrals.service_code,
    referrals.practice_code,
    referrals.pcn_code,
    referrals.icb_code
from known
inner join referrals on known.referral_id = referrals.referral_id
left join {{ ref('dim_calendar') }} as first_day on known.received_on = first_day.day
left join {{ ref('dim_calendar') }} as last_day on known.until_on = last_day.day
-- Without a hold, or with one after the wait, both are the wait's last day.
left join {{ ref('dim_calendar') }} as hold_first_day on least(known.held_on, known.until_on) = hold_first_day.day
left join {{ ref('dim_calendar') }} as hold_last_day on least(known.hold_ended_on, known.until_on) = hold_last_day.day
