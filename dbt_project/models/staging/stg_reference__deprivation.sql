-- One row per census vintage and small area: its ranks and deciles in the edition of the indices made for that vintage.
select
    2019 as imd_version,
    2011 as lsoa_vintage,
    lsoa11_code as lsoa_code,
    imd_rank,
    imd_decile,
    income_decile,
    employment_decile,
    education_decile,
    health_decile,
    crime_decile,
    housing_decile,
    environment_decile
from {{ source('reference', 'imd2019') }}
union all
select
    2025 as imd_version,
    2021 as lsoa_vintage,
    lsoa21_code as lsoa_code,
    imd_rank,
    imd_decile,
    income_decile,
    employment_decile,
    education_decile,
    health_decile,
    crime_decile,
    housing_decile,
    environment_decile
from {{ source('reference', 'imd2025') }}
