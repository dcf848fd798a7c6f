-- One row per period, area and breakdown group: offers of social prescribing at practices, and how they ended.
-- It stands before uptake and apart from it: offers are counted from what practices code, no offer is a referral, and
-- who declined at the offer is in no denominator of referrals. A practice that codes no refusals has none.
with offers as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_offers') }}
),

placed as (
    {{ reporting_rows('offers', 'offered_on', breakdowns=offer_breakdowns()) }}
),

counted as (
    select
        {% for figure, condition in offer_figures().items() -%}
        count(case when {{ condition }} then 1 end) as {{ figure }},
        {% endfor -%}
        count(distinct person) as people,
        {{ reporting_keys() }}
    from placed
    group by {{ reporting_keys() }}
)

select
    {{ reporting_keys('counted') }},
    areas.area_name,
    counted.offers,
    counted.people,
    counted.accepted,
    counted.declined_at_offer,
    counted.not_answered,
    {{ ratio('counted.declined_at_offer', '(counted.accepted + counted.declined_at_offer)') }} as declined_share,
    {{ wilson('counted.declined_at_offer', '(counted.accepted + counted.declined_at_offer)', 'lower') }}
        as declined_share_lower,
    {{ wilson('counted.declined_at_offer', '(counted.accepted + counted.declined_at_offer)', 'upper') }}
        as declined_share_upper,
    breaks.comparability_breaks
from counted
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
left join (
    {{ period_breaks('counted') }}
) as breaks
    on {{ same_in('counted', 'breaks', area_period_keys()) }}
