-- One row per practice and validity, and one row UNKNOWN for a practice that reference data does not know on the day.
select
    organisation_key,
    practice_code,
    practice_name,
    pcn_code,
    pcn_name,
    icb_code,
    icb_name,
    valid_from,
    valid_to
from {{ ref('int_organisations') }}
