-- One row per received referral that was put on hold: from which day, until which, and by what it ended.
-- A hold ends on the day the referral is resumed, else with the next change of where it stands: it is accepted, or it
-- leaves the caseload on which it was held. Without either it goes on. Of several holds the newest is known.
with held as (
    select
        referral_key,
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
)

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
