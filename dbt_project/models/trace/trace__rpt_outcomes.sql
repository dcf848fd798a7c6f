-- One row per row of rpt_outcomes and row of fct_outcome_pairs of its period, area, group and figure: what it adds.
with placed as (
    {{ reporting_rows(ref('fct_outcome_pairs'), 'received_on') }}
)

select
    {{ reporting_keys() }},
    instrument,
    result,
    episode_id,
    {% for figure in outcome_figures() -%}
    {{ figure }},
    {% endfor -%}
    person_id
from placed
