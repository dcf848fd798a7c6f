-- One row per step of a personalised plan up to the cut-off, the person as at its day: a plan or goal, its review,
-- an action agreed, what became of it, or what was done. A figure's column holds what the step adds to it.
with attributes as (
    {{ person_as_at(
        asked=ref('int_plan_steps'), keys=['step_key'], day='done_on', practice='stated_practice_code'
    ) }}
)

select
    {{ id_text('steps.step_key') }} as step_id,
    {{ id_text('steps.referral_key') }} as referral_id,
    {{ id_text('steps.subject_key') }} as person_id,
    coalesce(steps.service_code, 'UNKNOWN') as service_code,
    steps.done_on,
    steps.step,
    steps.kind,
    steps.is_action,
    steps.asset_id,
    actions.what as action_what,
    actions.who as action_who,
    actions.planned_on,
    actions.confidence,
    steps.has_referral,
    steps.route,
    1 as steps,
    case when steps.subject_key is null then 0 else 1 end as steps_of_known,
    case when steps.referral_key is null then 1 else 0 end as steps_without_referral,
    coalesce(steps.minutes, 0) as minutes,
    {{ cut_columns('attributes') }}
from {{ ref('int_plan_steps') }} as steps
inner join attributes on steps.step_key = attributes.step_key
left join {{ ref('int_plan_actions') }} as actions on steps.step_key = actions.step_key
