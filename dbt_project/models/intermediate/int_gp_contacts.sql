-- One row per person, day and registered practice with at least one countable contact.
-- Several slots of one day (triage, then face to face) are one contact; has_gp says whether one was with a GP.
{{ config(materialized='view') }}

select
    subject_key,
    contact_on,
    practice_code,
    has_gp,
    slots
from {{ ref('int_contact_days') }}
where is_contact
