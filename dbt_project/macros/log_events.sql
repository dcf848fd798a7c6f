{#- What holds for events wherever they are read: the base models, and nothing after them. -#}

{#- The order of what is said of one fact at one instant: a contest outranks a statement, a resolution a contest. A
    statement outranks a retraction: what had been out of scope is in scope of a later contract. -#}
{% macro kind_rank(revision_kind) -%}
    case {{ revision_kind }}
        when 'resolution' then 2
        when 'contest' then 1
        when 'retraction' then -1
        else 0
    end
{%- endmacro %}

{#- Whether an event of a source counts: it has a fact, and its file was not retracted. -#}
{% macro is_standing(events) -%}
    fact_id is not null
    and origin <> 'load_retracted'
    and event_id not in (
        select causation_id from {{ events }} where origin = 'load_retracted' and causation_id is not null
    )
{%- endmacro %}
