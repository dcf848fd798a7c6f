-- One row per check of reference data, with its hits in the versions of this build.
select
    kind,
    check_name,
    description,
    hits,
    baseline,
    status
from {{ ref('stg_reference__checks') }}
