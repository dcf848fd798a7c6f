-- One row per entry of the mapping of codes: a code, the days on which it has a category, and whose entry it is.
select
    code_use,
    code_system,
    code,
    coalesce(source_system, '') as source_system,
    origin,
    valid_from,
    valid_to,
    source_term,
    category,
    status,
    mapping_version
from {{ ref('int_code_map') }}
