-- One row per slot of an appointment book as one source system states it: its outcome as last stated, else booked.
-- The exclusions of GP contacts are decided here, once: contact_class says why a slot does or does not count.
-- Of a slot of which nobody says what became (not known, or booked for a day that is past), class_if_attended says what
-- it would be.
with facts as (
    select * from {{ ref('stg_log__appointment_events') }}
),

stated as (
    select *
    from facts
    where event_type <> 'appointment.booked'
),

-- An appointment and the encounter that took place in it may both say what became of it: that the person was seen
-- outweighs the rest, and the appointment, which says more of the slot, the encounter. Few do, and these are ranked.
several as (
    select stream_id
    from stated
    group by stream_id
    having count(*) > 1
),

ranked as (
    select
        stated.stream_id,
        stated.fact_id,
        row_number() over (
            partition by stated.stream_id
            order by
                case stated.event_type
                    when 'appointment.attended' then 1
                    when 'appointment.missed' then 2
                    when 'appointment.cancelled' then 3
                    else 4
                end,
                stated.appointment_booked_at asc nulls last,
                stated.fact_id asc
        ) as choice
    from stated
    inner join several on stated.stream_id = several.stream_id
),

outcomes as (
    select stated.*
    from stated
    left join ranked on stated.fact_id = ranked.fact_id
    where coalesce(ranked.choice, 1) = 1
),

slots as (
    select
        outcomes.*,
        outcomes.occurred_on as slot_on
    from outcomes
    union all
    select
        facts.*,
        {{ local_date('facts.appointment_slot_start') }} as slot_on
    from facts
    left join outcomes on facts.stream_id = outcomes.stream_id
    where
        facts.event_type = 'appointment.booked'
        and outcomes.stream_id is null
)

select
    slots.stream_id as appointment_key,
    slots.subject_key,
    slots.practice_code,
    slots.performer_code,
    slots.source_system,
    slots.appointment_slot_start as slot_start,
    coalesce(slots.appointment_staff_role, slots.appointment_hcp_type, '') as role,
    slots.slot_on,
    {{ local_date('slots.appointment_booked_at') }} as booked_on,
    substr(slots.event_type, 13) as status,
    slots.appointment_hcp_type as hcp_type,
    slots.appointment_staff_role as staff_role,
    slots.appointment_mode as mode,
    slots.appointment_national_category as national_category,
    slots.appointment_context_type as context_type,
    slots.appointment_service_setting as service_setting,
    slots.appointment_cancelled_by as cancelled_by,
    case
        when slots.slot_on > pinned.cut_off then 'future'
        when slots.event_type <> 'appointment.attended' then 'not_attended'
        else {{ slot_class('slots') }}
    end as contact_class,
    case
        when
            slots.slot_on <= pinned.cut_off
            and slots.event_type in ('appointment.status_unknown', 'appointment.booked')
            then {{ slot_class('slots') }}
    end as class_if_attended
from slots
cross join {{ ref('stg_log__pinned') }} as pinned
