-- One row per contact of a link worker with a person: attempted, held, missed or cancelled.
select
    {{ id_text('contact_key') }} as contact_id,
    {{ id_text('referral_key') }} as referral_id,
    {{ id_text('subject_key') }} as person_id,
    service_code,
    contact_on,
    status,
    channel,
    minutes,
    outcome,
    {{ id_text('link_worker_key') }} as link_worker_id,
    has_referral
from {{ ref('int_contacts') }}
