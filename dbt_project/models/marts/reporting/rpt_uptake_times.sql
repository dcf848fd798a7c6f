-- One row per period, area, breakdown group, wait and horizon: how many had come that far by then.
-- The estimate is the cumulative incidence (Aalen and Johansen): who ended otherwise stays in the denominator, who was
-- not followed to the horizon counts as long as they were. So newest periods are comparable with older
-- ones. Working days from the receipt, days on hold included: how many there were stands beside it. No horizon is
-- stated to which nobody was followed. A wait of unknown length is in no estimate, and counted beside it.
{%- set keys = reporting_keys().split(', ') + ['endpoint'] %}

with waits as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_referral_waits') }}
),

placed as (
    {{ reporting_rows('waits', 'received_on', breakdowns=uptake_breakdowns()) }}
),

-- Those that stand in the row, timed or not. The row has a number: times are put in order by it, not by eight texts.
totals as (
    select
        row_number() over (order by {{ keys | join(', ') }}) as row_no,
        {{ reporting_keys() }},
        endpoint,
        count(*) as referrals,
        {% for figure, amount in uptake_wait_amounts().items() -%}
        cast(sum({{ amount }}) as bigint) as {{ figure }},
        {% endfor -%}
        {% for figure in ['linked', 'ambiguous', 'undated', 'no_calendar', 'on_hold', 'holds_undated'] -%}
        count(case when {{ uptake_wait_figures()[figure] }} then 1 end) as {{ figure }},
        {% endfor -%}
        count(distinct person) as people
    from placed
    group by {{ reporting_keys() }}, endpoint
),

ended as (
    select
        totals.row_no,
        placed.working_days,
        count(case when placed.outcome = 'event' then 1 end) as events,
        count(case when placed.outcome = 'competing' then 1 end) as competing,
        count(case when placed.outcome = 'censored' then 1 end) as censored
    from placed
    inner join totals on {{ same_in('placed', 'totals', keys) }}
    where placed.working_days is not null
    group by totals.row_no, placed.working_days
),

estimated as (
    {{ aalen_johansen('ended', ['row_no'], uptake_horizons(), time='working_days') }}
)

select
    {{ reporting_keys('totals') }},
    totals.endpoint,
    cast(horizons.horizon as integer) as horizon,
    areas.area_name,
    totals.referrals,
    totals.people,
    totals.linked,
    totals.ambiguous,
    {{ ratio('totals.linked', 'totals.referrals') }} as linked_share,
    {%- for figure in ['n_start', 'at_risk', 'events', 'competing', 'censored'] %}
    coalesce(estimated.{{ figure }}, 0) as {{ figure }},
    {%- endfor %}
    totals.undated,
    totals.no_calendar,
    totals.on_hold,
    totals.holds_undated,
    totals.working_days_on_hold,
    estimated.estimate,
    estimated.lower,
    estimated.upper
from totals
cross join {{ horizons_of(uptake_horizons()) }}
left join estimated
    on
        totals.row_no = estimated.row_no
        and horizons.horizon = estimated.horizon
left join {{ ref('dim_areas') }} as areas
    on
        totals.area_level = areas.area_level
        and totals.area_code = areas.area_code
