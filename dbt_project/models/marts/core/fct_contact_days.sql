-- One row per person, day and registered practice as stated with a contact that counts, or with a slot that would be
-- one if it had been attended and of which nobody says what became.
-- Whether it is observed: it lies in a month of the practice that tells of its contacts, not of a part of them.
-- The practice, network and board are those that the stated code means on the day; where it took place does not matter.
-- Codes and days are read apart, so that the contacts are read once: what is read twice the engine writes down first.
with contacts as (
    select
        *,
        coalesce(practice_code, 'UNKNOWN') as stated_practice_code
    from {{ ref('int_contact_days') }}
),

asked as (
    select distinct
        coalesce(practice_code, 'UNKNOWN') as stated_practice_code,
        contact_on
    from {{ ref('int_contact_days') }}
),

known as (
    {{ practice_as_at(asked='asked', code='stated_practice_code', day='contact_on') }}
)

select
    {{ id_text('contacts.subject_key') }} as person_id,
    contacts.contact_on,
    contacts.stated_practice_code,
    coalesce(known.practice_code_then, 'UNKNOWN') as practice_code,
    coalesce(known.pcn_code, 'UNKNOWN') as pcn_code,
    coalesce(known.icb_code, 'UNKNOWN') as icb_code,
    contacts.is_contact,
    contacts.has_gp,
    contacts.may_have_gp,
    contacts.practice_code is null or coverage.practice_code is not null as is_observed,
    cast(contacts.slots as integer) as slots,
    cast(contacts.slots_unknown as integer) as slots_unknown
from contacts
left join known
    on
        contacts.stated_practice_code = known.stated_practice_code
        and contacts.contact_on = known.contact_on
left join {{ ref('int_practice_coverage') }} as coverage
    on
        contacts.practice_code = coverage.practice_code
        and contacts.contact_on >= coverage.first_on
        and contacts.contact_on <= coverage.last_on
