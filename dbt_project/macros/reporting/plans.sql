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

{#- What a step counts as: by which rule, and under which step and kind. -#}
{% macro plan_ways() -%}
    {{ return({
        'step': ('true', 'step', "'all'"),
        'kind': ('kind is not null', 'step', 'kind'),
        'actions': ('is_action', "'action'", "'all'"),
        'action': ('is_action', "'action'", 'step'),
    }) }}
{%- endmacro %}

{#-
One row per step of a relation and what it counts as, as `counted_step` and `counted_kind`: its step as a whole, its kind of
it, all actions, and its step among them.
-#}
{% macro plan_steps_counted(relation) -%}
    select
        facts.*,
        case ways.way
            {%- for way, (condition, step, kind) in linkwork.plan_ways().items() %}
            when '{{ way }}' then {{ step }}
            {%- endfor %}
        end as counted_step,
        case ways.way
            {%- for way, (condition, step, kind) in linkwork.plan_ways().items() %}
            when '{{ way }}' then {{ kind }}
            {%- endfor %}
        end as counted_kind
    from {{ relation }} as facts
    inner join {{ linkwork.each_of('way', linkwork.plan_ways()) }} as ways
        on
            case ways.way
                {%- for way, (condition, step, kind) in linkwork.plan_ways().items() %}
                when '{{ way }}' then {{ condition }}
                {%- endfor %}
            end
{%- endmacro %}

{#- One row of fct_plan_steps for every period, area, breakdown group, step and kind it counts towards. -#}
{% macro plan_rows(relation) -%}
    {{ linkwork.plan_steps_counted(
        '(' ~ linkwork.reporting_rows(relation, 'done_on', levels=linkwork.plan_levels()) ~ ')'
    ) }}
{%- endmacro %}
