-- One row per contact of a link worker with a person: attempted, held, missed or cancelled; the person as at its day.
with attributes as (
    {{ person_as_at(
        asked=ref('int_contacts'), keys=['contact_key'], day='contact_on', practice='stated_practice_code'
    ) }}
)

select
    {{ id_text('contacts.contact_key') }} as contact_id,
    {{ id_text('contacts.referral_key') }} as referral_id,
    {{ id_text('contacts.subject_key') }} as person_id,
    contacts.service_code,
    contacts.contact_on,
    contacts.status,
    contacts.channel,
    contacts.minutes,
    contacts.outcome,
    {{ id_text('contacts.link_worker_key') }} as link_worker_id,
    contacts.has_referral,
    contacts.route,
    {{ cut_columns('attributes') }}
from {{ ref('int_contacts') }} as contacts
inner join attributes on contacts.contact_key = attributes.contact_key
