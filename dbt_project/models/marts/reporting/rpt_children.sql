-- One row per period, area, breakdown group and item: referrals of people under 18 on the day of receipt, and their
-- people.
-- An item is a stage of uptake that the referral reached, or a reason for it, counted as in rpt_uptake and
-- rpt_referral_reasons: without a breakdown the figures are those of their age band 0-17.
with counted as (
    {{ children_rows() }}
),

figures as (
    select
        {{ reporting_keys() }},
        item_kind,
        item,
        count(*) as referrals,
        count(distinct coalesce(person_id, '')) as people
    from counted
    group by {{ reporting_keys() }}, item_kind, item
),

totals as (
    select *
    from figures
    where item_kind = 'stage' and item = 'referred'
)

select
    {{ reporting_keys('figures') }},
    figures.item_kind,
    figures.item,
    areas.area_name,
    figures.referrals,
    figures.people,
    totals.referrals as referrals_all,
    totals.people as people_all,
    {{ ratio('figures.referrals', 'totals.referrals') }} as share
from figures
inner join totals on {{ same_in('figures', 'totals', reporting_keys()) }}
left join {{ ref('dim_areas') }} as areas
    on
        figures.area_level = areas.area_level
        and figures.area_code = areas.area_code
