-- One row per row of rpt_plans and row of fct_plan_steps of its period, area, group, step and kind: what it adds.
with placed as (
    {{ plan_rows(ref('fct_plan_steps')) }}
)

select
    {{ reporting_keys() }},
    counted_step as step,
    counted_kind as kind,
    step_id,
    person_id,
    {% for figure in plan_figures() -%}
    {{ figure }},
    {% endfor -%}
    steps_of_known
from placed
