-- One row per practice, day of extract and small area of residence: the patients who live there.
-- Files do not say which census their areas are of. An extract that has an area which only one census knows is of that
-- census; one that has areas of both, or none such, is of neither for certain.
with areas as (
    select
        practice_code,
        extract_on,
        lsoa_code,
        max(lsoa_vintage) as stated_vintage,
        max(case when sex = 'all' then patients end) as published,
        sum(case when sex <> 'all' then patients end) as summed
    from {{ ref('stg_reference__list_sizes') }}
    where lsoa_code <> 'ALL' and age_band = 'all'
    group by practice_code, extract_on, lsoa_code
),

known as (
    select
        lsoa_code,
        min(lsoa_vintage) as first_vintage,
        max(lsoa_vintage) as last_vintage
    from {{ ref('stg_reference__lsoa_changes') }}
    group by lsoa_code
),

extracts as (
    select
        areas.extract_on,
        min(case when known.first_vintage = known.last_vintage then known.first_vintage end) as lowest,
        max(case when known.first_vintage = known.last_vintage then known.first_vintage end) as highest
    from areas
    left join known on areas.lsoa_code = known.lsoa_code
    group by areas.extract_on
)

select
    areas.practice_code,
    areas.extract_on,
    areas.lsoa_code,
    coalesce(
        areas.stated_vintage,
        case when extracts.lowest = extracts.highest then extracts.lowest end
    ) as lsoa_vintage,
    cast(coalesce(areas.published, areas.summed) as bigint) as patients
from areas
inner join extracts on areas.extract_on = extracts.extract_on
