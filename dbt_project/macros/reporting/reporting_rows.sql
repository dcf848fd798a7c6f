{#-
One row of a relation for every figure it counts towards: period × area × breakdown.

Periods are calendar months, quarters and years (and, if asked for, all time up to the newest day of the relation);
areas are those of the row itself, so they are as at its own date. breakdown 'none' has the one group 'all'.
Arguments: relation; day, the column that places a row in a period; levels; with_all, whether all time is a period;
breakdowns, columns of the relation, for one that lacks some of the usual.
-#}
{% macro reporting_rows(relation, day, levels=['practice', 'pcn', 'icb'], with_all=false, breakdowns=none) -%}
    {%- set periods = [('month', 1), ('quarter', 3), ('year', 12)] -%}
    {%- set breakdowns = linkwork.reporting_breakdowns() if breakdowns is none else breakdowns -%}
    select
        facts.*,
        periods.period_type,
        areas.area_level,
        breakdowns.breakdown,
        case periods.period_type
            {%- for period, months in periods %}
            when '{{ period }}' then {{ linkwork.period_start(period, 'facts.' ~ day) }}
            {%- endfor %}
            else extent.first_on
        end as period_start,
        case periods.period_type
            {%- for period, months in periods %}
            when '{{ period }}'
                then {{ linkwork.period_end(linkwork.period_start(period, 'facts.' ~ day), months) }}
            {%- endfor %}
            else extent.last_on
        end as period_end,
        case areas.area_level
            {%- for level in levels %}
            when '{{ level }}' then facts.{{ level }}_code
            {%- endfor %}
        end as area_code,
        case breakdowns.breakdown
            {%- for breakdown in breakdowns %}
            when '{{ breakdown }}' then facts.{{ breakdown }}
            {%- endfor %}
            else 'all'
        end as breakdown_group
    from {{ relation }} as facts
    cross join (
        {%- for period, months in periods + ([('all', 0)] if with_all else []) %}
        select '{{ period }}' as period_type
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as periods
    cross join (
        {%- for level in levels %}
        select '{{ level }}' as area_level
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as areas
    cross join (
        {%- for breakdown in ['none'] + breakdowns %}
        select '{{ breakdown }}' as breakdown
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as breakdowns
    cross join (
        select
            {{ linkwork.period_start('month', 'min(' ~ day ~ ')') }} as first_on,
            {{ linkwork.period_end(linkwork.period_start('month', 'max(' ~ day ~ ')'), 1) }} as last_on
        from {{ relation }}
    ) as extent
{%- endmacro %}

{#- What every reporting mart of the long form is broken down by, one at a time: attributes as at the event's day. -#}
{% macro reporting_breakdowns() -%}
    {{ return(['route', 'sex', 'age_band', 'ethnic_group', 'imd_quintile', 'ltc_group', 'ltc_count_band']) }}
{%- endmacro %}

{#- The columns that place a figure: every reporting mart of the long form begins with them. -#}
{% macro reporting_keys(alias='') -%}
    {%- set names = [
        'period_type', 'period_start', 'period_end', 'area_level', 'area_code', 'breakdown', 'breakdown_group',
    ] -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- for column in names %}{{ prefix }}{{ column }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{#- That two relations have the same values in some columns: a list, or text with commas. -#}
{% macro same_in(left, right, columns) -%}
    {%- for column in (columns.split(', ') if columns is string else columns) -%}
    {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
