-- One row per practice, day its list was counted, breakdown, sex and age band.
select
    sizes.practice_code,
    extracts.valid_from,
    extracts.valid_to,
    sizes.breakdown,
    sizes.sex,
    sizes.age_band,
    sizes.patients,
    extracts.list_source
from {{ ref('int_list_sizes') }} as sizes
inner join {{ ref('int_list_extracts') }} as extracts
    on
        sizes.practice_code = extracts.practice_code
        and sizes.extract_on = extracts.valid_from
