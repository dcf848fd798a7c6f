-- One row per period, area (service, practice, network, board), breakdown group, step of a plan and kind (and all).
-- Plans agreed and reviewed, goals set and reviewed, actions agreed and what became of them, and what was done:
-- signposts, practical help, referrals to activities.
-- By the day of the step. People, referrals and steps apart.
with steps as (
    {{ plan_steps_counted(ref('fct_plan_steps')) }}
),

counted as (
    {{ figures_of_places(
        'steps', day='done_on', labels=['counted_step', 'counted_kind'], figures=plan_figures(),
        members={'people': 'person_id', 'referrals': 'referral_id'}, levels=plan_levels()
    ) }}
),

wholes as (
    select
        counted_step,
        steps,
        {{ place_numbers() }}
    from counted
    where counted_kind = 'all'
)

select
    {{ reporting_keys('counted') }},
    counted.counted_step as step,
    counted.counted_kind as kind,
    areas.area_name,
    counted.steps,
    counted.people,
    counted.referrals,
    counted.steps_without_referral,
    counted.minutes,
    {{ ratio('counted.steps', 'wholes.steps') }} as share
from counted
inner join wholes on {{ same_in('counted', 'wholes', place_numbers() ~ ', counted_step') }}
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
