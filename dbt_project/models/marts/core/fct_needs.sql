-- One row per social need on a problem list or from screening, with the category its code had on that day.
select
    {{ id_text('need_key') }} as need_id,
    {{ id_text('subject_key') }} as person_id,
    practice_code,
    recorded_on,
    source_domain,
    code,
    code_system,
    source_term,
    verification_status,
    category,
    mapping_version
from {{ ref('int_needs') }}
