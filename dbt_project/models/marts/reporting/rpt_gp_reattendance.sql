-- One row per period, area, breakdown group, window and measure: GP contacts per person-time before and after the
-- index day of the referrals received in the period. Uncontrolled: the change includes regression to the mean.
-- The interval of the rate ratio treats each person as a cluster (macro log_rate_ratio_variance).
{%- set counts = reattendance_counts() %}

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
        {% for figure, condition in counts.items() -%}
        count(case when {{ condition }} then 1 end) as {{ figure }}{{ ',' if not loop.last }}
        {% endfor %}
        {%- for days in reattendance_windows() %}
        {%- for measure in contact_measures() %}
        {%- for figure, condition in reattendance_people(measure, days).items() %},
        bool_or({{ condition }}) as {{ measure }}_{{ figure }}_{{ days }}
        {%- endfor %}
        {%- for figure, amount in reattendance_amounts(measure, days).items() %},
        cast(coalesce(sum({{ amount }}), 0) as bigint) as {{ measure }}_{{ figure }}_{{ days }}
        {%- endfor %}
        {%- endfor %}
        {%- endfor %}
    from placed
    group by {{ reporting_keys() }}, person
),

summed as (
    {%- for measure in contact_measures() %}
    {%- set last_measure = loop.last %}
    {%- for days in reattendance_windows() %}
    select
        {{ reporting_keys() }},
        {{ days }} as window_days,
        '{{ measure }}' as measure,
        {% for figure in counts -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        count(case when indexes > 0 then 1 end) as people,
        count(case when indexes > 1 then 1 end) as people_repeated,
        {% for figure in reattendance_people(measure, days) -%}
        count(case when {{ measure }}_{{ figure }}_{{ days }} then 1 end) as {{ figure }},
        {% endfor -%}
        {{ contacts_most(measure, days) }},
        {{ products_of_sides({
            'a': measure ~ '_contacts_after_' ~ days, 'b': measure ~ '_person_days_after_' ~ days,
            'c': measure ~ '_contacts_before_' ~ days, 'd': measure ~ '_person_days_before_' ~ days,
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
    ratios.excluded_no_index,
    ratios.excluded_not_covered,
    ratios.excluded_same_episode,
    ratios.indexes,
    ratios.indexes_stated,
    ratios.indexes_inferred,
    ratios.indexes_receipt,
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
    {{ wilson('ratios.people_reattended', 'ratios.people_followed', 'upper') }} as reattended_share_upper,
    {{ reattendance_bounds('ratios') }},
    breaks.comparability_breaks
from ratios
left join {{ ref('dim_areas') }} as areas
    on
        ratios.area_level = areas.area_level
        and ratios.area_code = areas.area_code
left join (
    {{ window_breaks('ratios') }}
) as breaks
    on {{ same_in('ratios', 'breaks', area_period_keys() + ['window_days']) }}
