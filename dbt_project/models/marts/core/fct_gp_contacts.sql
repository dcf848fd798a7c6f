-- One row per person, day and registered practice as stated with a contact that counts: several slots of a day are one.
-- Whether it is observed: it lies in a month of the practice that tells of its contacts, not of a part of them.
-- The practice, network and board are those that the stated code means on the day; where it took place does not matter.
select
    person_id,
    contact_on,
    stated_practice_code,
    practice_code,
    pcn_code,
    icb_code,
    has_gp,
    is_observed,
    slots
from {{ ref('fct_contact_days') }}
where is_contact
