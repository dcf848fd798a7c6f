-- One row per practice and day on which its list was counted, with the last day that the count stands for.
with extracts as (
    select distinct
        practice_code,
        extract_on
    from {{ ref('stg_reference__list_sizes') }}
)

select
    practice_code,
    extract_on as valid_from,
    {{ add_days('lead(extract_on) over (partition by practice_code order by extract_on)', -1) }} as valid_to,
    -- The publication changed its source with the extract of May 2024: figures of both sides are no one series.
    case when extract_on < cast('2024-05-01' as date) then 'NHAIS' else 'PDS' end as list_source
from extracts
