{#-
The attributes of people and their organisations as at a day: one row per row of `asked`, which has the columns
`subject_key` and, by name, `keys`, `day` and `practice` (the practice code a sender stated, or null). `places` is a
relation of all practice codes and days that this may come to, for an `asked` too large to be read for them.

The practice is that of the registration of the day (int_person_periods), without one the stated one; its network and
board are those of the day. What is known of the person is what that practice says of them, else their newest
description by any; deprivation is that of the area code as stated, in the edition made for its census.
-#}
{% macro person_as_at(asked, keys, day, practice, places='registered') -%}
    with registered as (
        select
            {% for column in keys -%}
            asked.{{ column }},
            {% endfor -%}
            {% if day not in keys -%}
            asked.{{ day }},
            {% endif -%}
            coalesce(periods.practice_code, asked.{{ practice }}) as practice_code,
            case
                when periods.practice_code is not null then 'registration'
                when asked.{{ practice }} is not null then 'stated'
                else 'unknown'
            end as practice_basis,
            periods.description_basis,
            periods.sex,
            periods.ethnic_category,
            periods.lsoa_code,
            periods.lsoa_vintage,
            periods.ltc_count,
            periods.ltc_group,
            {{ linkwork.age_in_years('periods.birth_month', 'asked.' ~ day) }} as age
        from {{ asked }} as asked
        left join {{ ref('int_person_periods') }} as periods
            on
                asked.subject_key = periods.subject_key
                and asked.{{ day }} >= periods.valid_from
                and asked.{{ day }} <= periods.valid_to
    ),

    known as (
        {{ linkwork.practice_as_at(asked=places, code='practice_code', day=day) }}
    )

    select
        {% for column in keys -%}
        registered.{{ column }},
        {% endfor -%}
        registered.practice_basis,
        coalesce(known.practice_match, 'unknown') as practice_match,
        coalesce(known.organisation_key, 'UNKNOWN') as organisation_key,
        coalesce(known.practice_code_then, 'UNKNOWN') as practice_code,
        coalesce(known.pcn_code, 'UNKNOWN') as pcn_code,
        coalesce(known.icb_code, 'UNKNOWN') as icb_code,
        coalesce(registered.description_basis, 'none') as description_basis,
        coalesce(registered.sex, 'not_known') as sex,
        registered.age,
        {{ linkwork.age_band('registered.age') }} as age_band,
        coalesce(registered.ethnic_category, '99') as ethnic_category,
        {{ linkwork.ethnic_group('registered.ethnic_category') }} as ethnic_group,
        deprivation.imd_version,
        deprivation.imd_decile,
        coalesce(cast(deprivation.imd_quintile as string), 'unknown') as imd_quintile,
        registered.ltc_count,
        coalesce(registered.ltc_group, 'unknown') as ltc_group,
        {{ linkwork.ltc_count_band('registered.ltc_count') }} as ltc_count_band
    from registered
    left join known
        on
            registered.practice_code = known.practice_code
            and registered.{{ day }} = known.{{ day }}
    left join {{ ref('int_deprivation') }} as deprivation
        on
            registered.lsoa_vintage = deprivation.lsoa_vintage
            and registered.lsoa_code = deprivation.lsoa_code
{%- endmacro %}

{#- The columns of person_as_at by which every record-level mart can be cut, in the order of the contracts. -#}
{% macro cut_columns(alias) -%}
    {%- for column in [
        'practice_code', 'pcn_code', 'icb_code', 'sex', 'age_band', 'ethnic_category', 'ethnic_group', 'imd_decile',
        'imd_quintile', 'ltc_count', 'ltc_group', 'ltc_count_band',
    ] -%}
    {{ alias }}.{{ column }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}
