-- One row per period, area, breakdown group, window and measure: GP contacts per person-time before and after the
-- index day of the referrals received in the period. Uncontrolled: the change includes regression to the mean.
-- The interval of the rate ratio treats each person as a cluster (macro log_rate_ratio_variance).
{%- set measures = ['gp_contacts', 'all_clinician_contacts'] %}
{%- set inclusions = ['included', 'no_index', 'not_covered', 'same_episode'] %}
{%- set bases = ['stated', 'inferred', 'receipt'] %}

with referrals as (
    {{ reattendance_wide(ref('fct_reattendance')) }}
),

placed as (
    {{ reporting_rows('referrals', 'received_on', levels=['pcn', 'icb'], with_all=true) }}
),

by_person as (
    select
        {{ reporting_keys() }},
        person,
        {% for inclusion in inclusions -%}
        count(case when inclusion = '{{ inclusion }}' then 1 end) as {{ inclusion }},
        {% endfor -%}
        {% for basis in bases -%}
        count(case when inclusion = 'included' and index_basis = '{{ basis }}' then 1 end) as {{ basis }},
        {% endfor -%}
        {% for days in reattendance_windows() -%}
        bool_or(is_followed_{{ days }}) as is_followed_{{ days }},
        {% for measure in measures -%}
        bool_or(is_followed_{{ days }} and {{ measure }}_after_{{ days }} > 0) as {{ measure }}_again_{{ days }},
        {% endfor -%}
        {% for column in ['days'] + measures -%}
        {% for side in ['before', 'after'] -%}
        cast(coalesce(sum({{ column }}_{{ side }}_{{ days }}), 0) as bigint) as {{ column }}_{{ side }}_{{ days }},
        {% endfor -%}
        {% endfor -%}
        {% endfor -%}
        count(*) as referrals
    from placed
    group by {{ reporting_keys() }}, person
),

summed as (
    {%- for measure in measures %}
    {%- set last_measure = loop.last %}
    {%- for days in reattendance_windows() %}
    select
        {{ reporting_keys() }},
        {{ days }} as window_days,
        '{{ measure }}' as measure,
        {% for column in ['referrals'] + inclusions + bases -%}
        cast(sum({{ column }}) as bigint) as {{ column }},
        {% endfor -%}
        count(case when included > 0 then 1 end) as people,
        count(case when included > 1 then 1 end) as people_repeated,
        count(case when is_followed_{{ days }} then 1 end) as people_followed,
        count(case when {{ measure }}_again_{{ days }} then 1 end) as people_reattended,
        {{ products_of_sides({
            'a': measure ~ '_after_' ~ days, 'b': 'days_after_' ~ days,
            'c': measure ~ '_before_' ~ days, 'd': 'days_before_' ~ days,
        }) }}
    from by_person
    group by {{ reporting_keys() }}
    {%- if not (last_measure and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

ratios as (
    select
        *,
        case
            when sum_a > 0 and sum_b > 0 and sum_c > 0 and sum_d > 0
                then (cast(sum_a as double) / sum_b) / (cast(sum_c as double) / sum_d)
        end as rate_ratio,
        case
            when people > 1 and sum_a > 0 and sum_b > 0 and sum_c > 0 and sum_d > 0
                then sqrt({{ log_rate_ratio_variance() }})
        end as log_ratio_error
    from summed
)

select
    {{ reporting_keys('ratios') }},
    ratios.window_days,
    ratios.measure,
    'uncontrolled_before_after' as design,
    'Uncontrolled before and after: no comparison group; the change includes regression to the mean' as design_label,
    areas.area_name,
    ratios.referrals,
    ratios.no_index as excluded_no_index,
    ratios.not_covered as excluded_not_covered,
    ratios.same_episode as excluded_same_episode,
    ratios.included as indexes,
    ratios.stated as indexes_stated,
    ratios.inferred as indexes_inferred,
    ratios.receipt as indexes_receipt,
    ratios.people,
    ratios.people_repeated,
    ratios.sum_c as contacts_before,
    ratios.sum_d as person_days_before,
    ratios.sum_a as contacts_after,
    ratios.sum_b as person_days_after,
    365.25 * {{ ratio('ratios.sum_c', 'ratios.sum_d') }} as rate_before,
    365.25 * {{ ratio('ratios.sum_a', 'ratios.sum_b') }} as rate_after,
    ratios.rate_ratio,
    ratios.rate_ratio * exp(-1.959963984540054 * ratios.log_ratio_error) as rate_ratio_lower,
    ratios.rate_ratio * exp(1.959963984540054 * ratios.log_ratio_error) as rate_ratio_upper,
    ratios.people_followed,
    ratios.people_reattended,
    {{ ratio('ratios.people_reattended', 'ratios.people_followed') }} as reattended_share,
    {{ wilson('ratios.people_reattended', 'ratios.people_followed', 'lower') }} as reattended_share_lower,
    {{ wilson('ratios.people_reattended', 'ratios.people_followed', 'upper') }} as reattended_share_upper
from ratios
left join {{ ref('dim_areas') }} as areas
    on
        ratios.area_level = areas.area_level
        and ratios.area_code = areas.area_code
