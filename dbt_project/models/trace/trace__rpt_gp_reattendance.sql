-- One row per row of rpt_gp_reattendance and received referral of its period, area and group: what it adds to each
-- figure of the window and measure.
with referrals as (
    {{ reattendance_wide(ref('fct_reattendance')) }}
),

placed as (
    {{ reporting_rows('referrals', 'received_on', levels=['pcn', 'icb'], with_all=true) }}
)

{% for measure in contact_measures() -%}
{%- set last_measure = loop.last -%}
{%- for days in reattendance_windows() -%}
select
    {{ reporting_keys() }},
    {{ days }} as window_days,
    '{{ measure }}' as measure,
    referral_id,
    {% for conditions in [reattendance_counts(), reattendance_people(measure, days)] -%}
    {% for figure, condition in conditions.items() -%}
    case when {{ condition }} then 1 else 0 end as {{ figure }},
    {% endfor -%}
    {% endfor -%}
    {% for figure, amount in reattendance_amounts(measure, days).items() -%}
    coalesce({{ amount }}, 0) as {{ figure }},
    {% endfor -%}
    person_id
from placed
{% if not (last_measure and loop.last) -%}
union all
{% endif -%}
{% endfor -%}
{% endfor %}
