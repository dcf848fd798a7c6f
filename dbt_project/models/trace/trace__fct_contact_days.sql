-- One row per row of fct_contact_days and slot of an appointment book that is, or may be, part of the contact.
select
    {{ id_text('subject_key') }} as person_id,
    slot_on as contact_on,
    coalesce(practice_code, 'UNKNOWN') as stated_practice_code,
    {{ id_text('appointment_key') }} as appointment_id
from {{ ref('int_appointments') }}
where
    ({{ is_countable_slot() }} or {{ is_countable_slot('class_if_attended') }})
    and subject_key is not null
