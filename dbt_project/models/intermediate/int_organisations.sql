-- One row per practice and validity, and one row UNKNOWN for a practice that reference data does not know on the day.
select
    practice_code || '|' || cast(valid_from as varchar) as organisation_key,
    practice_code,
    practice_name,
    coalesce(pcn_code, 'UNKNOWN') as pcn_code,
    coalesce(pcn_name, 'Unknown') as pcn_name,
    coalesce(icb_code, 'UNKNOWN') as icb_code,
    coalesce(icb_name, 'Unknown') as icb_name,
    valid_from,
    valid_to
from {{ ref('stg_reference__organisations') }}
union all
select
    'UNKNOWN' as organisation_key,
    'UNKNOWN' as practice_code,
    'Unknown' as practice_name,
    'UNKNOWN' as pcn_code,
    'Unknown' as pcn_name,
    'UNKNOWN' as icb_code,
    'Unknown' as icb_name,
    cast(null as date) as valid_from,
    cast(null as date) as valid_to
