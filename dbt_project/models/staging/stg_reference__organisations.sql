-- One row per practice and validity: its primary care network and integrated care board in that time.
-- A row ends on its valid_to or on the day before the practice's next row begins, whichever comes first, so that
-- a day never finds two rows whether the source counts its last day in or out.
select
    practice_code,
    practice_name,
    pcn_code,
    pcn_name,
    icb_code,
    icb_name,
    valid_from,
    least(
        valid_to,
        {{ add_days('lead(valid_from) over (partition by practice_code order by valid_from)', -1) }}
    ) as valid_to
from {{ source('reference', 'organisations') }}
