-- One row per person, day and registered practice with at least one countable contact, or with a slot that would be one
-- if it had been attended and of which nobody says what became.
-- Several slots of one day (triage, then face to face) are one contact; has_gp says whether one was with a GP, and
-- may_have_gp whether one was or may have been: nobody says what became of it, or who the person was seen by.
select
    subject_key,
    slot_on as contact_on,
    practice_code,
    bool_or({{ is_countable_slot() }}) as is_contact,
    bool_or({{ is_gp_slot() }}) as has_gp,
    bool_or({{ may_be_gp_slot() }} or coalesce({{ may_be_gp_slot('class_if_attended') }}, false)) as may_have_gp,
    count(case when {{ is_countable_slot() }} then 1 end) as slots,
    count(case when {{ is_countable_slot('class_if_attended') }} then 1 end) as slots_unknown
from {{ ref('int_appointments') }}
where
    ({{ is_countable_slot() }} or {{ is_countable_slot('class_if_attended') }})
    and subject_key is not null
group by subject_key, slot_on, practice_code
