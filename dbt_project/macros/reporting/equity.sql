{#- What equity is shown by: attributes of people as at the day, those of registered people and those of referrals. -#}
{% macro equity_breakdowns() -%}
    {{ return([
        'sex', 'age_band', 'ethnic_group', 'ethnic_group_census', 'imd_decile', 'imd_quintile', 'ltc_group',
        'ltc_count_band',
    ]) }}
{%- endmacro %}

{#- Which of the stages of uptake are set against registered people. -#}
{% macro equity_measures() -%}
    {{ return(['referred', 'contacted', 'completed']) }}
{%- endmacro %}

{#- The columns that place a row of equity: those of the long form, the edition of the deciles and the measure. -#}
{% macro equity_keys(alias='') -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {{ linkwork.reporting_keys(alias) }}, {{ prefix }}imd_edition, {{ prefix }}measure
{%- endmacro %}

{#- The edition of the indices is told for deprivation only; elsewhere it is none. -#}
{% macro edition_shown() -%}
    case when breakdown in ('imd_decile', 'imd_quintile') then edition else 'none' end
{%- endmacro %}

{#- A relation in the long form of equity: quarters and years, networks and boards, one breakdown at a time. -#}
{% macro equity_rows(relation, day) -%}
    select
        placed.*,
        {{ linkwork.edition_shown() }} as imd_edition
    from (
        {{ linkwork.reporting_rows(
            relation, day, levels=['pcn', 'icb'], breakdowns=linkwork.equity_breakdowns()
        ) }}
    ) as placed
    where placed.period_type <> 'month'
{%- endmacro %}

{#-
One row per row of equity and received referral that reached the measure: 1 in `referrals`; 1 in `people` on the first
of a person in the period and area, so that each counts once and the groups add up; 1 in `people_registered` if they
were registered on its day.
-#}
{% macro equity_referrals() -%}
    with attributed as (
        select
            referrals.referral_id,
            referrals.person_id,
            referrals.received_on,
            referrals.pcn_code,
            referrals.icb_code,
            referrals.practice_basis,
            {{ linkwork.standard_age('referrals.age_at_referral') }} as standard_age,
            {{ linkwork.equity_attributes('referrals') }}
        from {{ ref('fct_referrals') }} as referrals
    ),

    reached as (
        {{ linkwork.uptake_reached(linkwork.equity_measures(), 'measure') }}
    ),

    placed as (
        {{ linkwork.equity_rows('attributed', 'received_on') }}
    ),

    numbered as (
        select
            placed.*,
            reached.measure,
            row_number() over (
                partition by
                    placed.period_type, placed.period_start, placed.area_level, placed.area_code, placed.breakdown,
                    reached.measure, placed.person_id
                order by placed.received_on, placed.referral_id
            ) as turn
        from placed
        inner join reached on placed.referral_id = reached.referral_id
    )

    select
        {{ linkwork.equity_keys() }},
        standard_age,
        sex,
        referral_id,
        person_id,
        {{ linkwork.referrals_and_people() }}
    from numbered
{%- endmacro %}

{#-
Rates of equity from fct_equity_strata, one row per row of rpt_equity: crude, and directly standardised to the European
Standard Population 2013 by age and sex (by age alone within a sex; not within an age band). A stratum without registered
people has no rate; the standardised rate is that of the other strata, and standard_share says how much of the standard
they are. Rates are per 1,000 registered on average over the period's days of count.
-#}
{% macro equity_rates() -%}
    {#- In doubles: a quotient of decimals has few places on Spark. -#}
    {%- set per_person = '1000 * cast(strata.census_days as double) / nullif(strata.person_quarters, 0)' -%}
    {%- set rate_of_stratum = 'strata.people_registered * ' ~ per_person -%}
    with strata as (
        select
            strata.*,
            case when strata.person_quarters > 0 and strata.breakdown <> 'age_band' then standard.weight end as weight
        from {{ ref('fct_equity_strata') }} as strata
        left join {{ ref('standard_population') }} as standard
            on
                strata.standard_age = standard.standard_age
                and strata.sex in ('female', 'male')
    ),

    added as (
        select
            {{ linkwork.equity_keys('strata') }},
            max(strata.census_days) as census_days,
            cast(sum(strata.referrals) as bigint) as referrals,
            cast(sum(strata.people) as bigint) as people,
            cast(sum(strata.people_registered) as bigint) as people_registered,
            cast(sum(strata.person_quarters) as bigint) as person_quarters,
            cast(coalesce(sum(case when strata.weight > 0 then strata.people_registered end), 0) as bigint)
                as people_standardised,
            cast(sum(strata.weight) as double) as weight,
            cast(sum(cast(
                strata.weight * {{ rate_of_stratum }} as decimal(38, 12)
            )) as double) as weighted_rate,
            cast(sum(cast(
                strata.weight * strata.weight * {{ rate_of_stratum }} * {{ per_person }} as decimal(38, 12)
            )) as double) as weighted_variance
        from strata
        group by {{ linkwork.equity_keys('strata') }}
    ),

    rated as (
        select
            *,
            cast(person_quarters as double) / nullif(census_days, 0) as registered,
            weight / case when breakdown = 'sex' then 100000.0 else 200000.0 end as standard_share
        from added
    )

    select
        *,
        1000.0 * people_registered / nullif(registered, 0) as rate,
        1000000.0 * people_registered / nullif(registered * registered, 0) as rate_variance,
        case
            when standard_share >= {{ var('standard_share') }} and people_standardised >= 10 then weighted_rate / weight
        end as standardised_rate,
        case
            when standard_share >= {{ var('standard_share') }} and people_standardised >= 10
                then weighted_variance / (weight * weight)
        end as standardised_variance
    from rated
{%- endmacro %}

{#-
What a referral adds to the figures of rates: itself; its person, on the first of the period and place (turn 1), so that
each counts once; and that person if they were registered on its day.
-#}
{% macro referrals_and_people() -%}
        1 as referrals,
        case when turn = 1 then 1 else 0 end as people,
        case when turn = 1 and practice_basis = 'registration' then 1 else 0 end as people_registered
{%- endmacro %}
