-- One row per period, area, breakdown group and stage of uptake: referrals and people who reached the stage.
-- Enrolment, engagement, adherence. A stage's candidates are the referrals that reached the stage before it; those
-- still open are kept out of the conversion, whose denominator is the candidates that are resolved: they reached the
-- stage, or their referral ended without it.
{%- set stages = uptake_stages() %}

with referrals as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_referrals') }}
),

placed as (
    {{ reporting_rows('referrals', 'received_on') }}
),

by_person as (
    select
        {{ reporting_keys() }},
        person,
        {% for phase, stage, candidate, reached, resolved in stages -%}
        {% for figure, condition in uptake_figures(candidate, reached, resolved).items() -%}
        count(case when {{ condition }} then 1 end) as {{ stage }}_{{ figure }},
        {% endfor -%}
        {% endfor -%}
        count(*) as rows_of_person
    from placed
    group by {{ reporting_keys() }}, person
),

counted as (
    {%- for phase, stage, candidate, reached, resolved in stages %}
    select
        {{ reporting_keys() }},
        '{{ phase }}' as phase,
        '{{ stage }}' as stage,
        {{ loop.index }} as stage_order,
        cast(sum({{ stage }}_referrals) as bigint) as referrals,
        count(case when {{ stage }}_referrals > 0 then 1 end) as people,
        cast(sum({{ stage }}_candidates) as bigint) as candidates,
        cast(sum({{ stage }}_denominator) as bigint) as denominator,
        count(case when {{ stage }}_denominator > 0 then 1 end) as denominator_people
    from by_person
    group by {{ reporting_keys() }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    {{ reporting_keys('counted') }},
    counted.stage,
    counted.phase,
    cast(counted.stage_order as integer) as stage_order,
    areas.area_name,
    counted.referrals,
    counted.people,
    counted.candidates,
    counted.candidates - counted.denominator as candidates_open,
    counted.denominator,
    counted.denominator_people,
    {{ ratio('counted.referrals', 'counted.denominator') }} as conversion,
    {{ wilson('counted.referrals', 'counted.denominator', 'lower') }} as conversion_lower,
    {{ wilson('counted.referrals', 'counted.denominator', 'upper') }} as conversion_upper
from counted
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
