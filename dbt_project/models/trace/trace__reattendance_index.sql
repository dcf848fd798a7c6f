-- One row per received referral with an inferred index and GP slot of that day: the contact that is taken for the
-- referring one.
select
    {{ id_text('indexed.referral_key') }} as referral_id,
    {{ id_text('slots.appointment_key') }} as appointment_id
from {{ ref('int_reattendance_index') }} as indexed
inner join {{ ref('int_appointments') }} as slots
    on
        indexed.subject_key = slots.subject_key
        and indexed.index_on = slots.slot_on
where
    indexed.index_basis = 'inferred'
    and slots.{{ is_gp_slot() }}
