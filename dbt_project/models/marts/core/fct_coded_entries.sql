-- One row per code that a referral, need or activity holds: its category, its mapping, and what is wrong with it.
select
    {{ id_text('holder_key') }} as holder_id,
    held_as,
    position,
    {{ id_text('subject_key') }} as person_id,
    coalesce(sender_code, 'UNKNOWN') as sender_code,
    source_system,
    coded_on,
    code,
    code_system,
    source_term,
    mapped_term,
    category,
    mapping_version,
    is_mapped,
    fault
from {{ ref('int_coded_entries') }}
