-- One row per period, area, breakdown group and category of activity (and all): people and attendances apart.
-- Of the people as at the day of each use. Who came without being known counts as an attendance and as nobody.
with uses as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_asset_uses') }}
),

placed as (
    {{ activity_rows('uses') }}
),

counted as (
    select
        {% for figure in activity_figures() -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        {% for people, column in activity_people().items() -%}
        count(distinct case when {{ column }} > 0 then person end) as {{ people }},
        {% endfor -%}
        {{ reporting_keys() }},
        counted_category as category
    from placed
    group by {{ reporting_keys() }}, counted_category
)

select
    {{ reporting_keys('counted') }},
    counted.category,
    areas.area_name,
    {%- for figure in activity_people().keys() | list + activity_figures() %}
    counted.{{ figure }},
    {%- endfor %}
    {{ ratio('(counted.attended - counted.attended_by_unknown)', 'counted.people') }} as attended_per_person,
    {{ ratio('counted.missed', '(counted.attended + counted.missed)') }} as missed_share,
    {{ missed_share_bounds('counted') }}
from counted
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
