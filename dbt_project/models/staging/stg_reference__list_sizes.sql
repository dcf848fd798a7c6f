-- One row per practice, day of extract, sex, age and small area as published; `all` where the file does not split.
-- Ages become the five-year bands of the publication; 95+ is the same row in a file of years and in one of bands.
select
    extract_on,
    practice_code,
    lower(sex) as sex,
    age not in ('ALL', '95+') and age not like '%!_%' escape '!' as is_year,
    age like '%!_%' escape '!' as is_band,
    case
        when age = 'ALL' then 'all'
        when age = '95+' or age = 'UNKNOWN' then replace(lower(age), '+', '_plus')
        when age like '%!_%' escape '!' then age
        when cast(age as integer) >= 95 then '95_plus'
        else
            cast(cast(floor(cast(age as integer) / 5) * 5 as integer) as string)
            || '_'
            || cast(cast(floor(cast(age as integer) / 5) * 5 + 4 as integer) as string)
    end as age_band,
    lsoa_code,
    lsoa_vintage,
    patients
from {{ source('reference', 'list_sizes') }}
