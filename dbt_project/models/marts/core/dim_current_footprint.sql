-- One row per practice that was ever known, with the practice, network and board that stand for it today.
select
    practice_code,
    practice_name,
    standing,
    current_practice_code,
    current_pcn_code,
    current_icb_code,
    supplier
from {{ ref('int_current_footprint') }}
