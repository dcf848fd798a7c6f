{#- Whether an event of the log is a step of a personalised plan; a referral to an activity is one too. -#}
{% macro is_plan_event(event_type) -%}
    {%- set events = [
        'plan.agreed', 'plan.reviewed', 'goal.set', 'goal.reviewed', 'action.set', 'action.updated',
        'signpost.made', 'support.given',
    ] -%}
    {{ event_type }} in ('{{ events | join("', '") }}')
{%- endmacro %}

{#- The areas that plans are counted in. -#}
{% macro plan_levels() -%}
    {{ return(['service', 'practice', 'pcn', 'icb']) }}
{%- endmacro %}

{#- The figures of plans: what each row of fct_plan_steps adds to them. -#}
{% macro plan_figures() -%}
    {{ return(['steps', 'steps_without_referral', 'minutes']) }}
{%- endmacro %}

{#-
One row of fct_plan_steps for every period, area, breakdown group, step and kind it counts towards, as `counted_step` and
`counted_kind`: its step as a whole, its kind of it, all actions, and its step among them. Arguments: the relation; numbered,
whether its columns are, so that the rows get their `place`.
-#}
{% macro plan_rows(relation, numbered=false) -%}
    {%- set ways = ['step', 'kind', 'actions', 'action'] -%}
    select
        placed.*,
        case when ways.way in ('step', 'kind') then placed.step else 'action' end as counted_step,
        case ways.way when 'kind' then placed.kind when 'action' then placed.step else 'all' end as counted_kind
        {%- if numbered %},
        placed.place_no * 50000
        + case ways.way
            {%- for way in ways %}
            when '{{ way }}' then {{ loop.index0 }}
            {%- endfor %}
        end * 10000
        + case when ways.way = 'actions' then 0 else placed.step_no end * 400
        + case when ways.way = 'kind' then placed.kind_no else 0 end as place
        {%- endif %}
    from (
        {{ linkwork.reporting_rows(relation, 'done_on', levels=linkwork.plan_levels(), numbered=numbered) }}
    ) as placed
    cross join (
        {%- for way in ways %}
        select '{{ way }}' as way
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as ways
    where
        ways.way = 'step'
        or (ways.way = 'kind' and placed.kind is not null)
        or (ways.way in ('actions', 'action') and placed.is_action)
{%- endmacro %}
