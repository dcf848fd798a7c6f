-- One row per period, area, breakdown group and category of activity (and all): people and attendances apart.
-- Of the people as at the day of each use. Who came without being known counts as an attendance and as nobody.
with uses as (
    {{ uses_counted(ref('fct_asset_uses')) }}
),

counted as (
    {{ figures_of_places(
        'uses', day='used_on', labels=['counted_category'], figures=activity_figures(),
        members=activity_members()
    ) }}
)

select
    {{ reporting_keys('counted') }},
    counted.counted_category as category,
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
