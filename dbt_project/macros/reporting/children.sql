{#- Whether a referral is a child's: under 18 on the day of receipt. Nobody's age is guessed. -#}
{% macro is_child() -%}
    age_at_referral between 0 and 17
{%- endmacro %}

{#- What children are broken down by: the usual but their age, of which all are in one band. -#}
{% macro children_breakdowns() -%}
    {{ return(linkwork.reporting_breakdowns() | reject('equalto', 'age_band') | list) }}
{%- endmacro %}

{#- The kinds of items a child's referral counts in: each stage of uptake it reached, and its reasons, counted two ways. -#}
{% macro children_items() -%}
    {%- set stages = linkwork.uptake_stages() | map(attribute=1) | list -%}
    select
        referral_id,
        'stage' as item_kind,
        item
    from (
        {{ linkwork.uptake_reached(stages, 'item') }}
    ) as reached
    {%- for counting, condition in linkwork.reason_countings().items() %}
    union all
    select
        referral_id,
        'reason_{{ counting }}' as item_kind,
        reason_category as item
    from {{ ref('fct_referral_reasons') }}
    where {{ condition }}
    {%- endfor %}
{%- endmacro %}

{#- One row per row of rpt_children and referral of a child that counts in it. -#}
{% macro children_rows() -%}
    with children as (
        select *
        from {{ ref('fct_referrals') }}
        where {{ linkwork.is_child() }}
    ),

    placed as (
        {{ linkwork.reporting_rows('children', 'received_on', breakdowns=linkwork.children_breakdowns()) }}
    ),

    items as (
        {{ linkwork.children_items() }}
    )

    select
        {{ linkwork.reporting_keys('placed') }},
        items.item_kind,
        items.item,
        placed.referral_id,
        placed.person_id,
        1 as referrals
    from placed
    inner join items on placed.referral_id = items.referral_id
{%- endmacro %}
