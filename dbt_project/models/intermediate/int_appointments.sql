-- One row per slot of an appointment book that was booked, as each source system of the practice states it.
-- Of a slot that two systems state the one that is not kept has contact_class duplicate, and so counts nowhere.
-- A view: nearly every column is that of a slot, and there are tens of millions of them.
{{ config(materialized='view') }}

select
    slots.appointment_key,
    slots.subject_key,
    slots.practice_code,
    slots.performer_code,
    slots.source_system,
    slots.slot_on,
    slots.booked_on,
    slots.status,
    slots.hcp_type,
    slots.staff_role,
    slots.mode,
    slots.national_category,
    slots.context_type,
    slots.service_setting,
    slots.cancelled_by,
    case when coalesce(duplicates.is_kept, true) then slots.contact_class else 'duplicate' end as contact_class,
    case when coalesce(duplicates.is_kept, true) then slots.class_if_attended end as class_if_attended
from {{ ref('int_appointment_slots') }} as slots
left join {{ ref('int_appointment_duplicates') }} as duplicates
    on slots.appointment_key = duplicates.appointment_key
