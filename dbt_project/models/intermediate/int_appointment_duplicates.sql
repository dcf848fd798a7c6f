-- One row per slot that two source systems of its practice state, and whether it is the one that is kept.
-- The same slot has the same person, start and role.
-- A practice that changes its supplier states the weeks around the change twice. The system in use on the day of the
-- slot is kept, whatever its slots say; where none or several were in use, the first by name.
with twice as (
    select
        practice_code,
        subject_key,
        slot_start,
        role
    from {{ ref('int_appointment_slots') }}
    where
        practice_code is not null
        and subject_key is not null
        and slot_start is not null
    group by practice_code, subject_key, slot_start, role
    having min(source_system) <> max(source_system)
),

stated as (
    select
        slots.appointment_key,
        slots.practice_code,
        slots.subject_key,
        slots.slot_start,
        slots.role,
        slots.source_system,
        case
            when exists (
                select 1
                from {{ ref('stg_reference__source_systems') }} as systems
                where
                    systems.sender = slots.practice_code
                    and systems.source_system = slots.source_system
                    and slots.slot_on >= coalesce(systems.valid_from, slots.slot_on)
                    and slots.slot_on <= coalesce(systems.valid_to, slots.slot_on)
            ) then 0
            else 1
        end as is_out_of_use
    from {{ ref('int_appointment_slots') }} as slots
    inner join twice
        on
            slots.practice_code = twice.practice_code
            and slots.subject_key = twice.subject_key
            and slots.slot_start = twice.slot_start
            and slots.role = twice.role
),

chosen as (
    select
        *,
        first_value(source_system) over (
            partition by practice_code, subject_key, slot_start, role
            order by is_out_of_use, source_system
        ) as kept_system
    from stated
)

select
    appointment_key,
    practice_code,
    source_system,
    kept_system,
    source_system = kept_system as is_kept
from chosen
