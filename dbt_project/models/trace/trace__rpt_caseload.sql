-- One row per row of rpt_caseload and row of fct_caseload of its month, area and group: what it adds to each figure.
with placed as (
    {{ reporting_rows(ref('fct_caseload'), 'month_start', levels=['service', 'icb']) }}
)

select
    {{ reporting_keys() }},
    referral_id,
    person_id,
    service_code,
    month_start,
    {% for figure in caseload_figures() -%}
    {{ figure }},
    {% endfor -%}
    case when is_on_caseload then 1 else 0 end as is_on_caseload
from placed
where period_type = 'month'
