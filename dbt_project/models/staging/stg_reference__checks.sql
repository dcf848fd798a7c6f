-- One row per check of reference data, as the build found it.
select
    kind,
    check_name,
    description,
    hits,
    baseline,
    status
from {{ source('reference', 'checks') }}
