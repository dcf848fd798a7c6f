-- One row per slot of an appointment book that was booked, with its outcome and whether it counts as a GP contact.
select
    {{ id_text('appointment_key') }} as appointment_id,
    {{ id_text('subject_key') }} as person_id,
    practice_code,
    performer_code,
    source_system,
    slot_on,
    booked_on,
    status,
    contact_class,
    hcp_type,
    staff_role,
    mode,
    national_category,
    context_type,
    service_setting,
    cancelled_by
from {{ ref('int_appointments') }}
