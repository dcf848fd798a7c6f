-- One row per code and validity of the mapping: its category. What the region loaded comes before what is shipped.
select
    'region' as origin,
    code_use,
    {{ code_key('code') }} as code_key,
    code,
    code_system,
    source_system,
    source_term,
    category,
    status,
    mapping_version,
    coalesce(valid_from, date '1900-01-01') as valid_from,
    valid_to
from {{ source('reference', 'code_maps') }}
union all
select
    'shipped' as origin,
    code_use,
    {{ code_key('code') }} as code_key,
    code,
    code_system,
    source_system,
    source_term,
    category,
    status,
    mapping_version,
    valid_from,
    valid_to
from {{ ref('code_map') }}
