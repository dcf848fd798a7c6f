-- One row per period, area, breakdown group and stage of uptake: referrals and people who reached the stage.
-- Enrolment, engagement, adherence. A stage's candidates are the referrals that reached the stage before it; those
-- still open are kept out of the denominator, which is the candidates that are resolved: they reached the stage, or
-- their referral ended without it. Quick outcomes resolve first, so a conversion is stated only where the follow-up of
-- the row is complete: no referral may yet reach the stage, and every service's feeds reach `uptake_follow_up_days`
-- beyond.
{%- set stages = uptake_stages() %}

with referrals as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_referrals') }}
),

placed as (
    {{ reporting_rows('referrals', 'received_on', breakdowns=uptake_breakdowns()) }}
),

by_person as (
    select
        {{ reporting_keys() }},
        person,
        {% for phase, stage, candidate, reached, resolved, unresolved in stages -%}
        {% for figure, condition in uptake_figures(candidate, reached, resolved, unresolved).items() -%}
        count(case when {{ condition }} then 1 end) as {{ stage }}_{{ figure }},
        {% endfor -%}
        {% endfor -%}
        count(*) as rows_of_person
    from placed
    group by {{ reporting_keys() }}, person
),

counted as (
    {%- for phase, stage, candidate, reached, resolved, unresolved in stages %}
    select
        {{ reporting_keys() }},
        '{{ phase }}' as phase,
        '{{ stage }}' as stage,
        {{ loop.index }} as stage_order,
        cast(sum({{ stage }}_referrals) as bigint) as referrals,
        count(case when {{ stage }}_referrals > 0 then 1 end) as people,
        cast(sum({{ stage }}_candidates) as bigint) as candidates,
        cast(sum({{ stage }}_denominator) as bigint) as denominator,
        cast(sum({{ stage }}_unresolved) as bigint) as unresolved,
        cast(sum({{ stage }}_not_followed) as bigint) as not_followed,
        count(case when {{ stage }}_denominator > 0 then 1 end) as denominator_people
    from by_person
    group by {{ reporting_keys() }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

judged as (
    select
        *,
        unresolved = 0 and not_followed = 0 as is_followed,
        case when unresolved = 0 and not_followed = 0 then denominator else 0 end as followed,
        case when unresolved = 0 and not_followed = 0 then denominator_people else 0 end as followed_people
    from counted
)

select
    {{ reporting_keys('judged') }},
    judged.stage,
    judged.phase,
    cast(judged.stage_order as integer) as stage_order,
    areas.area_name,
    judged.referrals,
    judged.people,
    judged.candidates,
    judged.candidates - judged.denominator as candidates_open,
    judged.denominator,
    judged.denominator_people,
    judged.unresolved,
    judged.not_followed,
    judged.is_followed,
    judged.followed,
    judged.followed_people,
    {{ ratio('judged.referrals', 'judged.followed') }} as conversion,
    {{ wilson('judged.referrals', 'judged.followed', 'lower') }} as conversion_lower,
    {{ wilson('judged.referrals', 'judged.followed', 'upper') }} as conversion_upper,
    breaks.comparability_breaks
from judged
left join {{ ref('dim_areas') }} as areas
    on
        judged.area_level = areas.area_level
        and judged.area_code = areas.area_code
left join (
    {{ period_breaks('judged') }}
) as breaks
    on {{ same_in('judged', 'breaks', area_period_keys()) }}
