-- One row per census vintage and small area (LSOA), with its deprivation in the edition made for that vintage.
select
    lsoa_vintage,
    lsoa_code,
    imd_version,
    imd_rank,
    imd_decile,
    imd_quintile,
    income_decile,
    employment_decile,
    education_decile,
    health_decile,
    crime_decile,
    housing_decile,
    environment_decile,
    change_code,
    is_unchanged
from {{ ref('int_deprivation') }}
