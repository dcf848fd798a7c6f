{#-
The breaks in comparability that rows of a mart cross: one row per `keys` that cross any, with their names in the order
of their days as `comparability_breaks`.

A row crosses a break if the days from `first` to `last` touch those of the break. Arguments: relation; keys, a list;
first and last, expressions; affects, what else than everything matters to the mart (contacts need nothing else); practice,
the expression of the practice the row is of, null for others. Breaks of boards concern rows whose area_level is icb.
-#}
{% macro breaks_crossed(relation, keys, first, last, affects=[], practice='cast(null as string)') -%}
    {%- set columns = keys | join(', ') -%}
    select
        {{ columns }},
        {{ linkwork.joined_in_order('break_id', ', ', 'break_order') }} as comparability_breaks
    from (
        select
            asked.*,
            breaks.break_id,
            cast(breaks.break_on as string) || breaks.break_id as break_order
        from (
            select distinct
                {{ columns }},
                {{ first }} as first_on,
                {{ last }} as last_on,
                {{ practice }} as asked_practice
            from {{ relation }}
        ) as asked
        inner join {{ ref('dim_comparability_breaks') }} as breaks
            on
                asked.first_on <= breaks.last_on
                and asked.last_on >= breaks.break_on
                and breaks.affects in ('{{ (['everything'] + affects) | join("', '") }}')
                and (breaks.practice_code = 'ALL' or breaks.practice_code = asked.asked_practice)
                {%- if 'boards' in affects %}
                and (breaks.affects <> 'boards' or asked.area_level = 'icb')
                {%- endif %}
    ) as crossed
    group by {{ columns }}
{%- endmacro %}

{#- What places a row of the long form beside breaks. -#}
{% macro area_period_keys() -%}
    {{ return(['period_type', 'period_start', 'area_level', 'area_code']) }}
{%- endmacro %}

{#- The breaks that rows of the long form cross: those of their period, of a practice those of its own too. -#}
{% macro period_breaks(relation, affects=['boards']) -%}
    {{ linkwork.breaks_crossed(
        relation, linkwork.area_period_keys(), 'period_start', 'period_end', affects,
        "case when area_level = 'practice' then area_code end"
    ) }}
{%- endmacro %}

{#- The breaks that the windows around the indexes of a period cross. -#}
{% macro window_breaks(relation) -%}
    {{ linkwork.breaks_crossed(
        relation, linkwork.area_period_keys() + ['window_days'],
        linkwork.add_days('period_start', '-window_days'), linkwork.add_days('period_end', 'window_days'), ['boards'],
    ) }}
{%- endmacro %}
