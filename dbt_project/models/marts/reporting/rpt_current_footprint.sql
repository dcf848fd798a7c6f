-- One row per period, network or board, breakdown group and stage: referrals by the places of their day, beside the
-- same referrals by the places that stand for their practices today. Both add up to the same over all areas.
with placed as (
    {{ footprint_rows() }}
)

select
    {{ reporting_keys('placed') }},
    placed.stage,
    max(areas.area_name) as area_name,
    cast(sum(placed.referrals_as_at) as bigint) as referrals_as_at,
    count(distinct case when placed.referrals_as_at = 1 then coalesce(placed.person_id, '') end) as people_as_at,
    cast(sum(placed.referrals_current) as bigint) as referrals_current,
    count(distinct case when placed.referrals_current = 1 then coalesce(placed.person_id, '') end) as people_current
from placed
left join {{ ref('dim_areas') }} as areas
    on
        placed.area_level = areas.area_level
        and placed.area_code = areas.area_code
group by {{ reporting_keys('placed') }}, placed.stage
