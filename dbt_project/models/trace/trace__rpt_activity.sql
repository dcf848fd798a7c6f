-- One row per row of rpt_activity and row of fct_asset_uses of its month and asset: what it adds to each figure.
select
    {{ period_start('month', 'used_on') }} as month_start,
    asset_match,
    asset_id,
    group_code,
    use_id,
    person_id,
    {%- for figure in activity_figures() + session_figures() %}
    {{ figure }},
    {%- endfor %}
    {{ activity_people().values() | join(', ') }}
from {{ ref('fct_asset_uses') }}
