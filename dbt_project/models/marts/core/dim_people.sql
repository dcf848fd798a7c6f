-- One row per person seen in any event, with the newest description of them; pseudonymous.
select
    {{ id_text('people.subject_key') }} as person_id,
    people.identity_quality,
    people.is_described,
    people.described_by_practice,
    people.birth_month,
    people.sex,
    people.ethnic_category,
    people.lsoa_code,
    people.lsoa_vintage,
    people.ltc_count,
    people.ltc_group,
    people.died_on,
    deprivation.imd_version,
    deprivation.imd_decile
from {{ ref('int_people') }} as people
left join {{ ref('int_deprivation') }} as deprivation
    on
        people.lsoa_vintage = deprivation.lsoa_vintage
        and people.lsoa_code = deprivation.lsoa_code
