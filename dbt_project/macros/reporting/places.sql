{#-
Where a row of the long form stands (`reporting_keys`, and what a mart adds), as one number.

A person stands in some hundred places for every fact, and is to be counted once in each. Counted by the texts that name a
place, each pair of place and person takes a hundred bytes and more; by number, a person's places are one list of them.
-#}

{#- The number of each value of some columns of a relation, as `<column>_no`. -#}
{% macro numbered(columns) -%}
    {%- for column in columns -%}
    dense_rank() over (order by {{ column }}) as {{ column }}_no{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{#- The columns that `place_no` needs the numbers of. -#}
{% macro place_parts(levels=['practice', 'pcn', 'icb']) -%}
    {%- set parts = linkwork.reporting_breakdowns() | list -%}
    {%- for level in levels %}{% do parts.append(level ~ '_code') %}{% endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{#-
The number of a row of `reporting_rows`: 50,000 times it is room for what a mart adds. There is room for 100,000 areas of
a level and 100 groups of a breakdown; more would share a number, which `the_one` does not let pass.
-#}
{% macro place_no(periods, day, levels, breakdowns) -%}
    (((cast(case periods.period_type
        {%- for period, months in periods %}
        {%- set start = linkwork.period_start(period, 'facts.' ~ day) %}
        when '{{ period }}'
            then {{ loop.index0 }} + 4 * ((extract(year from {{ start }}) - 2000) * 12 + extract(month from {{ start }}))
        {%- endfor %}
    end as bigint) * 8 + case areas.area_level
        {%- for level in levels %}
        when '{{ level }}' then {{ loop.index0 }}
        {%- endfor %}
    end) * 100000 + case areas.area_level
        {%- for level in levels %}
        when '{{ level }}' then facts.{{ level }}_code_no
        {%- endfor %}
    end) * 16 + case breakdowns.breakdown
        {%- for breakdown in breakdowns %}
        when '{{ breakdown }}' then {{ loop.index }}
        {%- endfor %}
        else 0
    end) * 100 + case breakdowns.breakdown
        {%- for breakdown in breakdowns %}
        when '{{ breakdown }}' then facts.{{ breakdown }}_no
        {%- endfor %}
        else 0
    end
{%- endmacro %}

{#- What all rows of a group say; null where they differ. -#}
{% macro the_one(column) -%}
    case when min({{ column }}) = max({{ column }}) then min({{ column }}) end
{%- endmacro %}

{#- What names a place, of the rows of one. -#}
{% macro keys_of_place() -%}
    {%- for column in linkwork.reporting_keys().split(', ') -%}
    {{ linkwork.the_one(column) }} as {{ column }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{#- One row per place with its members, each counted once. Arguments: rows, a query with the column `place`; member; condition. -#}
{% macro members_of_places(rows, member, condition='true') -%}
    select
        place,
        count(*) as members
    from (
        select {{ linkwork.exploded('places') }} as place
        from (
            select {{ linkwork.distinct_list('place') }} as places
            from (
                {{ rows }}
            ) as placed
            where
                {{ member }} is not null
                and {{ condition }}
            group by {{ member }}
        ) as of_member
    ) as stands
    group by place
{%- endmacro %}
