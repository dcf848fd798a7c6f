-- One row per period, area, breakdown group and category of activity (and all): people and attendances apart.
-- Of the people as at the day of each use. Who came without being known counts as an attendance and as nobody.
with uses as (
    select
        *,
        dense_rank() over (order by person_id) as person,
        {{ numbered(place_parts() + ['category']) }}
    from {{ ref('fct_asset_uses') }}
),

summed as (
    select
        place,
        {% for figure in activity_figures() -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        {{ keys_of_place() }},
        {{ the_one('counted_category') }} as category
    from (
        {{ activity_rows('uses', numbered=true) }}
    ) as placed
    group by place
),

attending as (
    {{ members_of_places(activity_rows('uses', numbered=true), 'person', activity_people()['people'] ~ ' > 0') }}
),

in_touch as (
    {{ members_of_places(
        activity_rows('uses', numbered=true), 'person', activity_people()['people_put_in_touch'] ~ ' > 0'
    ) }}
),

counted as (
    select
        summed.*,
        coalesce(attending.members, 0) as people,
        coalesce(in_touch.members, 0) as people_put_in_touch
    from summed
    left join attending on summed.place = attending.place
    left join in_touch on summed.place = in_touch.place
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
