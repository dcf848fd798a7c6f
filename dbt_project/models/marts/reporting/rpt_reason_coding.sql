-- One row per period, area (a supplier, or the board) and breakdown group: how much of the reasons is coded.
-- A referral is coded if one of its reasons at least has a category. Suppliers differ in what they let referrers say,
-- so a difference between services or years may be one of source systems.
with referrals as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_referrals') }}
),

placed as (
    {{ reporting_rows('referrals', 'received_on', levels=['supplier', 'icb']) }}
),

counted as (
    select
        {{ reporting_keys() }},
        {% for figure, condition in reason_coding_figures().items() -%}
        count(case when {{ condition }} then 1 end) as {{ figure }},
        {% endfor -%}
        count(distinct person) as people
    from placed
    group by {{ reporting_keys() }}
),

mapping as (
    {{ mapping_versions() }}
)

select
    {{ reporting_keys('counted') }},
    areas.area_name,
    counted.referrals,
    counted.people,
    counted.coded,
    counted.uncoded,
    counted.unclassified,
    counted.without_reason,
    {{ ratio('counted.uncoded', 'counted.referrals') }} as uncoded_share,
    {{ wilson('counted.uncoded', 'counted.referrals', 'lower') }} as uncoded_share_lower,
    {{ wilson('counted.uncoded', 'counted.referrals', 'upper') }} as uncoded_share_upper,
    mapping.mapping_version
from counted
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
cross join mapping
