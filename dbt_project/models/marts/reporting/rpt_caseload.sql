-- One row per month, area (a service, or the board of the people) and breakdown group: the caseload, month by month.
-- Month-end counts reconcile with the month before: open_at_end = open_at_start + new_referrals + transferred_in
-- + reopened - closed - transferred_out. Nobody on the caseload and no contact in a month: no row.
with caseload as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_caseload') }}
),

placed as (
    {{ reporting_rows('caseload', 'month_start', levels=['service', 'icb']) }}
)

select
    {{ reporting_keys('placed') }},
    max(areas.area_name) as area_name,
    {%- for figure in caseload_figures() %}
    cast(sum(placed.{{ figure }}) as bigint) as {{ figure }},
    {%- endfor %}
    count(distinct case when placed.is_on_caseload then placed.person end) as people
from placed
left join {{ ref('dim_areas') }} as areas
    on
        placed.area_level = areas.area_level
        and placed.area_code = areas.area_code
where placed.period_type = 'month'
group by {{ reporting_keys('placed') }}
