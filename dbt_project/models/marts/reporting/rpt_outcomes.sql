-- One row per period, area, breakdown group and figure of an instrument: the change from the first to the last measure.
-- Of the referrals received in the period. Means are of pairs alone: never of all baselines against all follow-ups. How
-- many were referred, had a baseline and were paired stands beside each.
with pairs as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_outcome_pairs') }}
),

placed as (
    {{ reporting_rows('pairs', 'received_on') }}
),

counted as (
    select
        {% for figure in outcome_figures() -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        count(distinct case when paired = 1 then person end) as people,
        cast(sum(case when paired = 1 then baseline end) as decimal(38, 4)) as sum_baseline,
        cast(sum(case when paired = 1 then follow_up end) as decimal(38, 4)) as sum_follow_up,
        cast(sum(change) as decimal(38, 4)) as sum_change,
        cast(sum(change_squared) as decimal(38, 8)) as sum_change_squared,
        cast(sum(improvement) as decimal(38, 4)) as sum_improvement,
        instrument,
        result,
        higher_is_better,
        reliable_change,
        {{ reporting_keys() }}
    from placed
    group by {{ reporting_keys() }}, instrument, result, higher_is_better, reliable_change
)

select
    {{ reporting_keys('counted') }},
    counted.instrument,
    counted.result,
    areas.area_name,
    counted.higher_is_better,
    {%- for figure in ['referred', 'with_baseline'] + outcome_states() %}
    counted.{{ figure }},
    {%- endfor %}
    counted.people,
    {{ ratio('counted.with_baseline', '(counted.referred - counted.baseline_open)') }} as baseline_share,
    {{ ratio('counted.paired', '(counted.with_baseline - counted.follow_up_open)') }} as follow_up_share,
    {{ mean_of('counted.paired', 'counted.sum_baseline') }} as mean_baseline,
    {{ mean_of('counted.paired', 'counted.sum_follow_up') }} as mean_follow_up,
    {{ mean_of('counted.paired', 'counted.sum_change') }} as mean_change,
    {{ t_interval('counted.paired', 'counted.sum_change', 'counted.sum_change_squared', 'lower') }}
        as mean_change_lower,
    {{ t_interval('counted.paired', 'counted.sum_change', 'counted.sum_change_squared', 'upper') }}
        as mean_change_upper,
    {{ mean_of('counted.paired', 'counted.sum_improvement') }} as mean_improvement,
    counted.paired >= {{ var('pairs_for_inference') }} as has_enough_pairs,
    {%- for figure in outcome_directions() %}
    case when counted.higher_is_better is not null then counted.{{ figure }} end as {{ figure }},
    {%- endfor %}
    counted.reliable_change,
    {%- for figure in outcome_reliable() %}
    case when counted.reliable_change is not null then counted.{{ figure }} end as {{ figure }},
    {%- endfor %}
    counted.sum_baseline,
    counted.sum_follow_up,
    counted.sum_change,
    counted.sum_change_squared
from counted
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
