-- One row per row of rpt_reason_coding and received referral of its period, area and group: what it adds.
with placed as (
    {{ reporting_rows(ref('fct_referrals'), 'received_on', levels=['supplier', 'icb']) }}
)

select
    {{ reporting_keys() }},
    referral_id,
    {% for figure, condition in reason_coding_figures().items() -%}
    case when {{ condition }} then 1 else 0 end as {{ figure }},
    {% endfor -%}
    person_id
from placed
