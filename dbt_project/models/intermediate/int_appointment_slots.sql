-- One row per slot of an appointment book as one source system states it: its outcome as last stated, else booked.
-- The exclusions of GP contacts are decided here, once: contact_class says why a slot does or does not count.
-- Of a slot of which nobody says what became (not known, or booked for a day that is past), class_if_attended says what
-- it would be.
-- An appointment and the encounter that took place in it may both say what became of it: that the person was seen
-- outweighs the rest, and the appointment, which says more of the slot, the encounter. Few do, and these are ranked.
-- Facts are read where they lie: DuckDB copies what is named once and used twice, and these are the most there are.
-- Nearly every slot has one outcome, which is looked for in one pass; only of the others the facts are ranked.
with unsettled as (
    select stream_id
    from {{ ref('stg_log__appointment_events') }}
    group by stream_id
    having count(case when event_type <> 'appointment.booked' then 1 end) <> 1
),

ranked as (
    select
        stated.fact_id,
        row_number() over (
            partition by stated.stream_id
            order by
                case stated.event_type
                    when 'appointment.attended' then 1
                    when 'appointment.missed' then 2
                    when 'appointment.cancelled' then 3
                    when 'appointment.booked' then 5
                    else 4
                end,
                stated.appointment_booked_at asc nulls last,
                stated.fact_id asc
        ) as choice
    from {{ ref('stg_log__appointment_events') }} as stated
    inner join unsettled on stated.stream_id = unsettled.stream_id
),

slots as (
    select
        facts.*,
        case
            when facts.event_type = 'appointment.booked' then {{ local_date('facts.appointment_slot_start') }}
            else facts.occurred_on
        end as slot_on
    from {{ ref('stg_log__appointment_events') }} as facts
    left join ranked on facts.fact_id = ranked.fact_id
    where coalesce(ranked.choice = 1, facts.event_type <> 'appointment.booked')
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
