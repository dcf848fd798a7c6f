-- One row per received referral that was put on hold: from which day, until which, and by what it ended.
-- A hold ends on the day the referral is resumed, else with the next change of where it stands: it is accepted, or it
-- leaves the caseload on which it was held. Without either it goes on. Of several holds the newest is known.
-- It is dated where both are known to the day.
with held as (
    select
        referral_key,
        on_hold_on as stated_on,
        greatest(on_hold_on, received_on) as held_on,
        case when resumed_on >= on_hold_on then greatest(resumed_on, received_on) end as resumed_on,
        accepted_on
    from {{ ref('int_referral_milestones') }}
    where
        received_on is not null
        and on_hold_on is not null
),

-- The stay on a caseload in which the hold falls, or the last one before it.
stays as (
    select
        held.referral_key,
        max({{ pack([['stay_number', 'stays.stay_number'], ['left_on', 'stays.left_on']]) }}) as held_in
    from held
    inner join {{ ref('int_caseload_stays') }} as stays
        on
            held.referral_key = stays.referral_key
            and held.held_on >= stays.entered_on
    group by held.referral_key
),

endings as (
    select
        held.referral_key,
        held.held_on,
        held.resumed_on,
        case when held.accepted_on > held.held_on then held.accepted_on end as accepted_on,
        case when stays.held_in.left_on is not null then greatest(stays.held_in.left_on, held.held_on) end as left_on
    from held
    left join stays on held.referral_key = stays.referral_key
),

holds as (
    select
        referral_key,
        held_on,
        least(resumed_on, accepted_on, left_on) as hold_ended_on,
        case least(resumed_on, accepted_on, left_on)
            when resumed_on then 'resumed'
            when accepted_on then 'accepted'
            when left_on then 'left'
        end as ended_by
    from endings
),

undated as (
    select distinct holds.referral_key
    from holds
    inner join held on holds.referral_key = held.referral_key
    inner join {{ ref('int_inexact_days') }} as inexact on holds.referral_key = inexact.about_key
    where
        (inexact.event_type = 'referral.put_on_hold' and inexact.occurred_on = held.stated_on)
        or (
            holds.hold_ended_on = greatest(inexact.occurred_on, holds.held_on)
            and case holds.ended_by
                when 'resumed' then inexact.event_type = 'referral.resumed'
                when 'accepted' then inexact.event_type = 'referral.accepted'
                else inexact.event_type in ({{ referral_end_events() }})
            end
        )
)

select
    holds.referral_key,
    holds.held_on,
    holds.hold_ended_on,
    holds.ended_by,
    undated.referral_key is null as is_dated
from holds
left join undated on holds.referral_key = undated.referral_key
