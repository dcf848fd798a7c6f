-- One row per row of rpt_offers and offer of its period, area and group: what it adds to each figure.
with placed as (
    {{ reporting_rows(ref('fct_offers'), 'offered_on', breakdowns=offer_breakdowns()) }}
)

select
    {{ reporting_keys() }},
    episode_id,
    {% for figure, condition in offer_figures().items() -%}
    case when {{ condition }} then 1 else 0 end as {{ figure }},
    {% endfor -%}
    person_id
from placed
