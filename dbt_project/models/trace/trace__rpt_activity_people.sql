-- One row per row of rpt_activity_people and row of fct_asset_uses of its period, area, group and category: what it
-- adds to each figure.
with placed as (
    {{ activity_rows(ref('fct_asset_uses')) }}
)

select
    {{ reporting_keys() }},
    counted_category as category,
    use_id,
    person_id,
    {%- for figure in activity_figures() %}
    {{ figure }},
    {%- endfor %}
    {{ activity_people().values() | join(', ') }}
from placed
