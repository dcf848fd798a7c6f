-- One row per first day of a quarter and group of registered people alike in every attribute: how many they are.
with people as (
    {{ registered_people() }}
)

select
    census_on,
    practice_code,
    pcn_code,
    icb_code,
    standard_age,
    sex,
    age_band,
    ethnic_category,
    ethnic_group,
    ethnic_group_census,
    edition,
    imd_decile,
    imd_quintile,
    ltc_group,
    ltc_count_band,
    count(*) as people
from people
group by
    census_on, practice_code, pcn_code, icb_code, standard_age, sex, age_band, ethnic_category, ethnic_group,
    ethnic_group_census, edition, imd_decile, imd_quintile, ltc_group, ltc_count_band
