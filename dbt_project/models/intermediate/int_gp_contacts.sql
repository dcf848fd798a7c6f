-- One row per person, day and registered practice with at least one countable contact.
-- Several slots of one day (triage, then face to face) are one contact; has_gp says whether one was with a GP.
select
    subject_key,
    slot_on as contact_on,
    practice_code,
    bool_or({{ is_gp_slot() }}) as has_gp,
    count(*) as slots
from {{ ref('int_appointments') }}
where
    {{ is_countable_slot() }}
    and subject_key is not null
group by subject_key, slot_on, practice_code
