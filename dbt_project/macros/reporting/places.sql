{#-
Figures of the long form (`reporting_keys`, and what a mart adds) where a fact stands in some hundred places, and people are
to be counted once in each.

Named by their texts, the places of all facts take a hundred bytes and more for each; so they are numbered, added up by
number, and named at the end. What places a fact besides its day is its profile: its areas and groups. Somebody with several
facts in a period seldom has several profiles in it: of who has one, any row counts them in all their places. Only of the
others the different people of each place are collected.
-#}

{#-
One row per place and the columns of `labels`: the sum of each figure, and how many different members it has; and the numbers
of its place (`place_numbers`).
Arguments: relation, one row per fact and labels it counts under; day, which places a fact in a period; figures, columns;
members, by the name of the count an expression of whoever is counted, null where nobody is; levels and breakdowns as in
`reporting_rows`. No column that places or labels a fact is null.
-#}
{% macro figures_of_places(relation, day, labels, figures, members, levels=['practice', 'pcn', 'icb'], breakdowns=none) -%}
    {%- set breakdowns = linkwork.reporting_breakdowns() if breakdowns is none else breakdowns -%}
    {%- set periods = {'month': 1, 'quarter': 3, 'year': 12} -%}
    {%- set parts = [] -%}
    {%- for level in levels %}{% do parts.append(level ~ '_code') %}{% endfor -%}
    {%- do parts.extend(breakdowns) -%}
    with profiles as (
        select
            *,
            {%- for part in parts %}
            cast(dense_rank() over (order by {{ part }}) as integer) as {{ part }}_no,
            {%- endfor %}
            cast(row_number() over (order by {{ parts | join(', ') }}) as integer) as profile_no
        from (select distinct {{ parts | join(', ') }} from {{ relation }}) as different
    ),

    labels as (
        select
            *,
            cast(row_number() over (order by {{ labels | join(', ') }}) as integer) as label_no
        from (select distinct {{ labels | join(', ') }} from {{ relation }}) as different
    ),

    numbered as (
        select
            facts.{{ day }},
            labels.label_no,
            profiles.profile_no,
            {%- for count, member in members.items() %}
            case when {{ member }} is not null then dense_rank() over (order by {{ member }}) end as {{ count }}_no,
            {%- endfor %}
            facts.{{ figures | join(', facts.') }}
        from {{ relation }} as facts
        inner join labels on {{ linkwork.same_in('facts', 'labels', labels) }}
        inner join profiles on {{ linkwork.same_in('facts', 'profiles', parts) }}
    ),

    timed as (
        select
            numbered.*,
            periods.period_type_no,
            case periods.period_type
                {%- for period in periods %}
                when '{{ period }}' then {{ linkwork.period_start(period, 'numbered.' ~ day) }}
                {%- endfor %}
            end as period_start
        from numbered
        cross join {{ linkwork.each_of('period_type', periods) }} as periods
    ),

    -- A member's facts of one period and profile are one row from here on.
    {%- set keys = 'period_type_no, period_start, label_no, profile_no, ' ~ members | join('_no, ') ~ '_no' %}
    gathered as (
        select
            {{ keys }},
            {%- for figure in figures %}
            cast(sum({{ figure }}) as integer) as {{ figure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from timed
        group by {{ keys }}
    ),

    -- Whether a row counts its member: 1 for one row of a period, 0 for the rest, null where there are several profiles.
    once as (
        select
            *,
            {%- for count in members %}
            {%- set own = 'over (partition by ' ~ count ~ '_no, period_type_no, period_start, label_no' %}
            case
                when min(profile_no) {{ own }}) = max(profile_no) {{ own }})
                    then case when row_number() {{ own }} order by profile_no) = 1 then 1 else 0 end
            end as {{ count }}_once{{ ',' if not loop.last }}
            {%- endfor %}
        from gathered
    ),

    placed as (
        select
            once.*,
            case areas.area_level
                {%- for level in levels %}
                when '{{ level }}' then profiles.{{ level }}_code_no
                {%- endfor %}
            end * {{ levels | length }} + areas.area_level_no as area_no,
            case breakdowns.breakdown
                when 'none' then 0
                {%- for breakdown in breakdowns %}
                when '{{ breakdown }}' then profiles.{{ breakdown }}_no
                {%- endfor %}
            end * {{ breakdowns | length + 1 }} + breakdowns.breakdown_no as group_no
        from once
        inner join profiles on once.profile_no = profiles.profile_no
        cross join {{ linkwork.each_of('area_level', levels) }} as areas
        cross join {{ linkwork.each_of('breakdown', ['none'] + breakdowns) }} as breakdowns
    ),

    summed as (
        select
            label_no,
            {{ linkwork.place_numbers() }},
            {%- for figure in figures %}
            cast(sum({{ figure }}) as bigint) as {{ figure }},
            {%- endfor %}
            {%- for count in members %}
            cast(
                count(case when {{ count }}_once = 1 then {{ count }}_no end)
                + count(distinct {{ count }}_no) filter (where {{ count }}_once is null) as bigint
            ) as {{ count }},
            {%- endfor %}
            min(profile_no) as profile_no
        from placed
        group by label_no, {{ linkwork.place_numbers() }}
    )

    select
        periods.period_type,
        summed.period_start,
        case periods.period_type
            {%- for period, months in periods.items() %}
            when '{{ period }}' then {{ linkwork.period_end('summed.period_start', months) }}
            {%- endfor %}
        end as period_end,
        areas.area_level,
        case areas.area_level
            {%- for level in levels %}
            when '{{ level }}' then profiles.{{ level }}_code
            {%- endfor %}
        end as area_code,
        breakdowns.breakdown,
        case breakdowns.breakdown
            when 'none' then 'all'
            {%- for breakdown in breakdowns %}
            when '{{ breakdown }}' then profiles.{{ breakdown }}
            {%- endfor %}
        end as breakdown_group,
        summed.{{ linkwork.place_numbers().replace('period_start, ', '').replace(', ', ', summed.') }},
        labels.{{ labels | join(', labels.') }},
        summed.{{ (figures + members | list) | join(', summed.') }}
    from summed
    inner join labels on summed.label_no = labels.label_no
    inner join profiles on summed.profile_no = profiles.profile_no
    inner join {{ linkwork.each_of('period_type', periods) }} as periods on summed.period_type_no = periods.period_type_no
    inner join {{ linkwork.each_of('area_level', levels) }} as areas
        on summed.area_no % {{ levels | length }} = areas.area_level_no
    inner join {{ linkwork.each_of('breakdown', ['none'] + breakdowns) }} as breakdowns
        on summed.group_no % {{ breakdowns | length + 1 }} = breakdowns.breakdown_no
{%- endmacro %}

{#- The columns that say which place a row of `figures_of_places` is of, in numbers. -#}
{% macro place_numbers() -%}
    {{ return('period_type_no, period_start, area_no, group_no') }}
{%- endmacro %}

{#- A relation with a row for each of some texts, and their numbers as `<column>_no`. -#}
{% macro each_of(column, texts) -%}
    (
        {%- for text in texts %}
        select '{{ text }}' as {{ column }}, {{ loop.index0 }} as {{ column }}_no
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
