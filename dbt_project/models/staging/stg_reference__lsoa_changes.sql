-- One row per census vintage and small area: what became of it between the censuses of 2011 and 2021.
select
    2011 as lsoa_vintage,
    lsoa11_code as lsoa_code,
    max(change_code) as change_code
from {{ source('reference', 'lsoa_lookup') }}
group by lsoa11_code
union all
select
    2021 as lsoa_vintage,
    lsoa21_code as lsoa_code,
    max(change_code) as change_code
from {{ source('reference', 'lsoa_lookup') }}
group by lsoa21_code
