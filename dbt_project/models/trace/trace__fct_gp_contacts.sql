-- One row per row of fct_gp_contacts and slot of an appointment book that is part of the contact.
select
    {{ id_text('subject_key') }} as person_id,
    slot_on as contact_on,
    coalesce(practice_code, 'UNKNOWN') as stated_practice_code,
    {{ id_text('appointment_key') }} as appointment_id
from {{ ref('int_appointments') }}
where
    {{ is_countable_slot() }}
    and subject_key is not null
