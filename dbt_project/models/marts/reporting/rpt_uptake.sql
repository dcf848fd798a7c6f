-- One row per period, area, breakdown group and stage of uptake: referrals and people who reached the stage.
-- Enrolment, engagement, adherence. A stage's candidates are the referrals that reached the stage before it; those
-- still open are kept out of the conversion, whose denominator is the candidates that are resolved: they reached the
-- stage, or their referral ended without it.
{%- set accepted = "enrolment_outcome = 'accepted'" %}
{%- set contacted = accepted ~ ' and first_contact_held_on is not null' %}
{%- set onward = contacted ~ ' and first_onward_on is not null' %}
{%- set answered = "enrolment_outcome <> 'open'" %}
{#- phase, stage, who is a candidate, who of them reached it, who of the others is resolved -#}
{%- set stages = [
    ('enrolment', 'referred', 'true', 'true', 'true'),
    ('enrolment', 'open', 'true', "enrolment_outcome = 'open'", 'true'),
    ('enrolment', 'rejected', 'true', "enrolment_outcome = 'rejected'", answered),
    ('enrolment', 'declined', 'true', "enrolment_outcome = 'declined'", answered),
    ('enrolment', 'closed_unanswered', 'true', "enrolment_outcome = 'closed_unanswered'", answered),
    ('enrolment', 'accepted', 'true', accepted, answered),
    ('engagement', 'contacted', accepted, 'first_contact_held_on is not null', 'is_ended'),
    ('engagement', 'plan_agreed', contacted, 'plan_agreed_on is not null', 'is_ended'),
    ('engagement', 'onward', contacted, 'first_onward_on is not null', 'is_ended'),
    ('adherence', 'activity_attended', onward, 'first_activity_attended_on is not null', 'is_ended'),
    ('adherence', 'completed', accepted, "coalesce(closure_reason = 'completed', false)", 'is_ended'),
] %}

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
        count(case when {{ candidate }} then 1 end) as {{ stage }}_candidates,
        count(case when {{ candidate }} and ({{ reached }} or {{ resolved }}) then 1 end) as {{ stage }}_resolved,
        count(case when {{ candidate }} and {{ reached }} then 1 end) as {{ stage }}_reached,
        {% endfor -%}
        count(*) as referrals
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
        cast(sum({{ stage }}_reached) as bigint) as referrals,
        count(case when {{ stage }}_reached > 0 then 1 end) as people,
        cast(sum({{ stage }}_candidates) as bigint) as candidates,
        cast(sum({{ stage }}_resolved) as bigint) as denominator,
        count(case when {{ stage }}_resolved > 0 then 1 end) as denominator_people
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
