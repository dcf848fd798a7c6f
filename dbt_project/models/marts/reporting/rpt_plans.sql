-- One row per period, area (service, practice, network, board), breakdown group, step of a plan and kind (and all).
-- Plans agreed and reviewed, goals set and reviewed, actions agreed and what became of them, and what was done:
-- signposts, practical help, referrals to activities.
-- By the day of the step. People, referrals and steps apart.
with plans as (
    select
        *,
        dense_rank() over (order by person_id) as person,
        case when referral_id is not null then dense_rank() over (order by referral_id) end as referral,
        {{ numbered(place_parts(plan_levels()) + ['step', 'kind']) }}
    from {{ ref('fct_plan_steps') }}
),

summed as (
    select
        place,
        {% for figure in plan_figures() -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        {{ keys_of_place() }},
        {{ the_one('counted_step') }} as step,
        {{ the_one('counted_kind') }} as kind
    from (
        {{ plan_rows('plans', numbered=true) }}
    ) as placed
    group by place
),

people as (
    {{ members_of_places(plan_rows('plans', numbered=true), 'person', 'steps_of_known > 0') }}
),

referrals as (
    {{ members_of_places(plan_rows('plans', numbered=true), 'referral') }}
),

counted as (
    select
        summed.*,
        coalesce(people.members, 0) as people,
        coalesce(referrals.members, 0) as referrals
    from summed
    left join people on summed.place = people.place
    left join referrals on summed.place = referrals.place
),

wholes as (
    select
        steps,
        step,
        {{ reporting_keys() }}
    from counted
    where kind = 'all'
)

select
    {{ reporting_keys('counted') }},
    counted.step,
    counted.kind,
    areas.area_name,
    counted.steps,
    counted.people,
    counted.referrals,
    counted.steps_without_referral,
    counted.minutes,
    {{ ratio('counted.steps', 'wholes.steps') }} as share
from counted
inner join wholes
    on
        {% for column in reporting_keys().split(', ') -%}
        counted.{{ column }} = wholes.{{ column }}
        and {% endfor -%}
        counted.step = wholes.step
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
