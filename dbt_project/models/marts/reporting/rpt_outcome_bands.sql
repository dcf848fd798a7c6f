-- One row per period, area, breakdown group, figure of an instrument and band: pairs that lay in it, first and last.
-- Of the referrals received in the period; of pairs alone, so that both columns are of the same people. A figure that
-- lies in no band has no row.
with pairs as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_outcome_pairs') }}
    where paired = 1
),

placed as (
    {{ band_rows('pairs') }}
),

counted as (
    select
        {{ reporting_keys() }},
        instrument,
        result,
        band,
        cast(sum(at_baseline) as bigint) as at_baseline,
        cast(sum(at_follow_up) as bigint) as at_follow_up,
        count(distinct case when at_baseline > 0 then person end) as people_at_baseline,
        count(distinct case when at_follow_up > 0 then person end) as people_at_follow_up
    from placed
    group by {{ reporting_keys() }}, instrument, result, band
),

totals as (
    select
        {{ reporting_keys() }},
        instrument,
        result,
        sum(at_baseline) as at_baseline,
        sum(at_follow_up) as at_follow_up
    from counted
    group by {{ reporting_keys() }}, instrument, result
)

select
    {{ reporting_keys('counted') }},
    counted.instrument,
    counted.result,
    counted.band,
    areas.area_name,
    counted.at_baseline,
    counted.at_follow_up,
    counted.people_at_baseline,
    counted.people_at_follow_up,
    {{ ratio('counted.at_baseline', 'totals.at_baseline') }} as share_at_baseline,
    {{ ratio('counted.at_follow_up', 'totals.at_follow_up') }} as share_at_follow_up
from counted
inner join totals
    on
        {% for column in reporting_keys().split(', ') + ['instrument'] -%}
        counted.{{ column }} = totals.{{ column }}
        and {% endfor -%}
        counted.result = totals.result
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
