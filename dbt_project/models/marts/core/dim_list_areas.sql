-- One row per practice, day its list was counted and small area of residence.
select
    areas.practice_code,
    extracts.valid_from,
    extracts.valid_to,
    areas.lsoa_code,
    areas.lsoa_vintage,
    areas.patients
from {{ ref('int_list_areas') }} as areas
inner join {{ ref('int_list_extracts') }} as extracts
    on
        areas.practice_code = extracts.practice_code
        and areas.extract_on = extracts.valid_from
