{#- The measures of demand: which days of fct_contact_days belong to each, and which would if nothing were unknown. -#}
{% macro demand_measures() -%}
    {{ return({
        'gp_contacts': {'contacts': 'has_gp', 'contacts_most': 'may_have_gp'},
        'all_clinician_contacts': {'contacts': 'is_contact', 'contacts_most': 'true'},
    }) }}
{%- endmacro %}

{#- One row per row of rpt_practice_demand and contact that it counts: those of days that were observed. -#}
{% macro demand_contacts() -%}
    {%- for measure, figures in linkwork.demand_measures().items() %}
    select
        practice_code,
        {{ linkwork.period_start('quarter', 'contact_on') }} as quarter_start,
        '{{ measure }}' as measure,
        person_id,
        contact_on,
        stated_practice_code,
        {%- for figure, condition in figures.items() %}
        case when {{ condition }} then 1 else 0 end as {{ figure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_contact_days') }}
    where {{ figures['contacts_most'] }} and is_observed
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- The periods of a funnel: name and, of a first day of a quarter or any other day, the first day of its period. -#}
{% macro funnel_periods(day) -%}
    {{ return({
        'quarter': linkwork.period_start('quarter', day), 'year': linkwork.period_start('year', day),
    }) }}
{%- endmacro %}

{#-
One row per row of rpt_practice_funnel and received referral: 1 in `people` on the first of a person in the period with
the practice, 1 in `people_registered` if they were registered on its day.
-#}
{% macro funnel_referrals() -%}
    with placed as (
        {%- for period, start in linkwork.funnel_periods('received_on').items() %}
        select
            '{{ period }}' as period_type,
            {{ start }} as period_start,
            practice_code,
            referral_id,
            person_id,
            received_on,
            practice_basis
        from {{ ref('fct_referrals') }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    numbered as (
        select
            *,
            row_number() over (
                partition by period_type, period_start, practice_code, person_id
                order by received_on, referral_id
            ) as turn
        from placed
    )

    select
        period_type,
        period_start,
        practice_code,
        referral_id,
        person_id,
        {{ linkwork.referrals_and_people() }}
    from numbered
{%- endmacro %}

{#-
One row per row of rpt_practice_funnel: what is compared. The mean of the registered is over the days on which they are
counted. A practice is compared if reference data know it and somebody is registered with it.
-#}
{% macro funnel_units() -%}
    with referred as (
        {{ linkwork.funnel_referrals() }}
    ),

    counted as (
        select
            period_type,
            period_start,
            practice_code,
            count(*) as referrals,
            cast(sum(people) as bigint) as people,
            cast(sum(people_registered) as bigint) as people_registered
        from referred
        group by period_type, period_start, practice_code
    ),

    quarters as (
        {%- for period, start in linkwork.funnel_periods('quarter_start').items() %}
        select
            '{{ period }}' as period_type,
            {{ start }} as period_start,
            *
        from {{ ref('fct_practice_quarters') }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    days as (
        select
            period_type,
            period_start,
            count(distinct quarter_start) as census_days
        from quarters
        group by period_type, period_start
    ),

    practices as (
        select
            period_type,
            period_start,
            practice_code,
            max({{ linkwork.pack([['quarter_start', 'quarter_start'], ['pcn_code', 'pcn_code'], ['icb_code', 'icb_code']]) }})
                as newest,
            cast(sum(registered) as bigint) as person_quarters
        from quarters
        group by period_type, period_start, practice_code
    )

    select
        practices.period_type,
        practices.period_start,
        case practices.period_type
            when 'year' then {{ linkwork.period_end('practices.period_start', 12) }}
            else {{ linkwork.period_end('practices.period_start', 3) }}
        end as period_end,
        practices.practice_code,
        practices.newest.pcn_code as pcn_code,
        practices.newest.icb_code as icb_code,
        practices.practice_code <> 'UNKNOWN' and practices.person_quarters > 0 as is_compared,
        practices.person_quarters,
        days.census_days,
        cast(practices.person_quarters as double) / days.census_days as registered,
        coalesce(counted.referrals, 0) as referrals,
        coalesce(counted.people, 0) as people,
        coalesce(counted.people_registered, 0) as people_registered
    from practices
    inner join days on {{ linkwork.same_in('practices', 'days', 'period_type, period_start') }}
    left join counted on {{ linkwork.same_in('practices', 'counted', 'period_type, period_start, practice_code') }}
{%- endmacro %}
