{#-
One row per registered person and day on which the registered are counted, as at that day: what numerators are
compared with. Registered is who has a registration on the day, whatever practice reference data makes of it.
-#}
{% macro registered_people() -%}
    with asked_people as (
        select
            periods.subject_key,
            days.census_on,
            cast(null as string) as stated_practice_code
        from {{ ref('int_person_periods') }} as periods
        inner join {{ ref('int_census_days') }} as days
            on
                periods.valid_from <= days.census_on
                and periods.valid_to >= days.census_on
        where periods.practice_code is not null
    ),

    asked_practices as (
        select
            practices.practice_code,
            days.census_on
        from (select distinct practice_code from {{ ref('int_person_periods') }}) as practices
        cross join {{ ref('int_census_days') }} as days
    ),

    -- What is counted of few days or practices must not be made of all, so that people are named once.
    attributed as (
        {{ linkwork.person_as_at(
            asked='asked_people',
            keys=['subject_key', 'census_on'],
            day='census_on',
            practice='stated_practice_code',
            places='asked_practices',
        ) }}
    )

    select
        attributed.census_on,
        attributed.practice_code,
        attributed.pcn_code,
        attributed.icb_code,
        {{ linkwork.standard_age('attributed.age') }} as standard_age,
        {{ linkwork.equity_attributes('attributed') }},
        {{ linkwork.id_text('attributed.subject_key') }} as person_id
    from attributed
{%- endmacro %}

{#- The columns of registered_people that are attributes of people, of any relation that has those of person_as_at. -#}
{% macro equity_attributes(alias) -%}
    {{ alias }}.sex,
    {{ alias }}.age_band,
    {{ alias }}.ethnic_category,
    {{ alias }}.ethnic_group,
    {{ linkwork.ethnic_group(alias ~ '.ethnic_category', 'census') }} as ethnic_group_census,
    {{ linkwork.imd_edition(alias) }} as edition,
    coalesce(cast({{ alias }}.imd_decile as string), 'unknown') as imd_decile,
    {{ alias }}.imd_quintile,
    {{ alias }}.ltc_group,
    {{ alias }}.ltc_count_band
{%- endmacro %}

{#- The edition of the indices of deprivation that a decile is of: those of two do not compare. -#}
{% macro imd_edition(alias) -%}
    case when {{ alias }}.imd_decile is null then 'none' else cast({{ alias }}.imd_version as string) end
{%- endmacro %}

{#- The age bands of the standard population; 'unknown' without an age. -#}
{% macro standard_age(age) -%}
    case
        when {{ age }} >= 90 then '90+'
        when {{ age }} >= 0
            then cast(cast(floor({{ age }} / 5.0) * 5 as integer) as string)
                || '-' || cast(cast(floor({{ age }} / 5.0) * 5 + 4 as integer) as string)
        else 'unknown'
    end
{%- endmacro %}
