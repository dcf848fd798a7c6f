-- One row per practice of the appointment publication: its board, and the system its appointments come from.
-- A practice with several systems has several rows there; one system by itself goes before a pair of them, then the
-- first in the alphabet.
with ranked as (
    select
        practice_code,
        min({{ pack([
            ['is_pair', "case when supplier like '%/%' then 1 else 0 end"],
            ['supplier', 'supplier'],
            ['icb_code', 'icb_code'],
            ['icb_name', 'icb_name'],
        ]) }}) as first_row
    from {{ source('reference', 'practice_mapping') }}
    group by practice_code
)

select
    practice_code,
    first_row.supplier,
    first_row.icb_code,
    first_row.icb_name
from ranked
