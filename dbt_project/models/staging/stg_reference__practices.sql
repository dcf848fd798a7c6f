-- One row per practice or other prescribing cost centre, as the Organisation Data Service has it.
select
    practice_code,
    practice_name,
    icb_code,
    commissioner_code as sub_icb_code,
    opened_on,
    closed_on,
    status,
    coalesce({{ list_has('prescribing_settings', "'RO76'") }}, false) as is_gp_practice
from {{ source('reference', 'practices') }}
