-- One row per row of rpt_uptake_times and wait of its period, area and group: what it adds to each figure.
with placed as (
    {{ reporting_rows(ref('fct_referral_waits'), 'received_on', breakdowns=uptake_breakdowns()) }}
)

select
    {{ reporting_keys() }},
    endpoint,
    horizon,
    referral_id,
    {% for figure, condition in uptake_wait_figures().items() -%}
    case when {{ condition }} then 1 else 0 end as {{ figure }},
    {% endfor -%}
    {% for figure, amount in uptake_wait_amounts().items() -%}
    {{ amount }} as {{ figure }},
    {% endfor -%}
    person_id
from placed
cross join {{ horizons_of(uptake_horizons()) }}
