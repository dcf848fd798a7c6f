-- One row per practice, day of extract, breakdown, sex and age band: the patients on the list.
-- A practice's total is the published one, else the sum of its parts. Of parts published several ways those by sex are
-- taken before those without, and single years before bands: nobody is counted twice.
with parts as (
    select
        practice_code,
        extract_on,
        sex,
        age_band,
        case when sex = 'all' then 0 else 1 end as is_by_sex,
        case when is_year then 1 when is_band then 0 end as is_by_year,
        sum(patients) as patients
    from {{ ref('stg_reference__list_sizes') }}
    where lsoa_code = 'ALL' and age_band <> 'all'
    group by practice_code, extract_on, sex, age_band, is_year, is_band
),

by_sex as (
    select
        *,
        max(is_by_sex) over (partition by practice_code, extract_on) as finest_sex
    from parts
),

by_year as (
    select
        *,
        max(is_by_year) over (partition by practice_code, extract_on) as finest_year
    from by_sex
    where is_by_sex = finest_sex
),

chosen as (
    select
        practice_code,
        extract_on,
        sex,
        age_band,
        sum(patients) as patients
    from by_year
    where is_by_year is null or is_by_year = finest_year
    group by practice_code, extract_on, sex, age_band
),

totals as (
    select
        practice_code,
        extract_on,
        max(patients) as patients
    from {{ ref('stg_reference__list_sizes') }}
    where sex = 'all' and age_band = 'all' and lsoa_code = 'ALL'
    group by practice_code, extract_on
),

summed as (
    select
        practice_code,
        extract_on,
        sum(patients) as patients
    from chosen
    group by practice_code, extract_on
)

select
    coalesce(totals.practice_code, summed.practice_code) as practice_code,
    coalesce(totals.extract_on, summed.extract_on) as extract_on,
    'total' as breakdown,
    'all' as sex,
    'all' as age_band,
    cast(coalesce(totals.patients, summed.patients) as bigint) as patients
from totals
full outer join summed
    on
        totals.practice_code = summed.practice_code
        and totals.extract_on = summed.extract_on
union all
select
    practice_code,
    extract_on,
    'age_sex' as breakdown,
    sex,
    age_band,
    cast(patients as bigint) as patients
from chosen
