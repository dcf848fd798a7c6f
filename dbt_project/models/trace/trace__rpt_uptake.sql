-- One row per row of rpt_uptake and received referral of its period, area and group: what it adds to each figure.
{%- set stages = uptake_stages() %}
{%- set figures = ['referrals', 'linked', 'ambiguous', 'candidates', 'denominator', 'unresolved', 'not_followed'] %}

with placed as (
    {{ reporting_rows(ref('fct_referrals'), 'received_on', breakdowns=uptake_breakdowns()) }}
),

counted as (
    select
        {{ reporting_keys('placed') }},
        stages.stage,
        placed.referral_id,
        {% for figure in figures -%}
        case stages.stage
            {%- for phase, stage, candidate, reached, resolved, unresolved in stages %}
            when '{{ stage }}'
                then case when {{ uptake_figures(candidate, reached, resolved, unresolved)[figure] }} then 1 else 0 end
            {%- endfor %}
        end as {{ figure }},
        {% endfor -%}
        placed.person_id
    from placed
    cross join (
        {%- for phase, stage, candidate, reached, resolved, unresolved in stages %}
        select '{{ stage }}' as stage
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as stages
)

select
    *,
    candidates - denominator as candidates_open
from counted
