{#-
The figures that are watched for restatement: totals by month, of the marts named here. By mart: the expression that names
a figure's item within it (a stage, a reason, a window), and the columns. A mart more is a line more.
-#}
{% macro watched_marts() -%}
    {{ return({
        'rpt_referral_reasons': ["counting || ' ' || reason_category", ['referrals', 'people']],
        'rpt_uptake': ['stage', ['referrals', 'people']],
        'rpt_gp_reattendance': [
            "measure || ' ' || cast(window_days as string)", ['indexes', 'contacts_before', 'contacts_after']
        ],
    }) }}
{%- endmacro %}

{#- The categories of facts that each watched mart is folded from. -#}
{% macro restated_by() -%}
    {%- set person = ['registration', 'person'] -%}
    {{ return({
        'rpt_referral_reasons': ['referral'] + person,
        'rpt_uptake': ['referral', 'engagement', 'activity'] + person,
        'rpt_gp_reattendance': ['referral', 'appointment'] + person,
    }) }}
{%- endmacro %}

{#- Whether a watched mart's figures go on after their month, because what follows a referral counts in its month. -#}
{% macro is_followed_mart(mart) -%}
    {{ mart }} <> 'rpt_referral_reasons'
{%- endmacro %}

{#- What became of a fact since the earlier release, in the order in which a row names them. -#}
{% macro restatement_causes() -%}
    {{ return(['late', 'corrected', 'retracted', 'followed']) }}
{%- endmacro %}

{#- One row per watched figure, month and area, as this build has it. -#}
{% macro watched_figures() -%}
    {%- for mart, watched in linkwork.watched_marts().items() %}
    {%- set last_mart = loop.last %}
    {%- for figure in watched[1] %}
    select
        '{{ mart }}' as mart,
        {{ watched[0] }} as item,
        '{{ figure }}' as figure,
        period_start,
        area_level,
        area_code,
        {{ figure }} as figure_value
    from {{ ref(mart) }}
    where
        period_type = 'month'
        and breakdown = 'none'
    {%- if not (last_mart and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#-
One row per row of fct_restatement_causes and area whose figures of a month it may have changed; a null area is any. A
fact that bears on a figure in several ways counts in one of them: `facts` is 1 there and 0 in the others.
-#}
{% macro placed_causes() -%}
    select
        *,
        case
            when row_number() over (
                partition by mart, period_start, area_level, area_code, cause, fact_id
                order by referral_id, practice_code, pcn_code, icb_code
            ) = 1 then 1
            else 0
        end as facts
    from (
        select
            causes.*,
            levels.area_level,
            case
                when causes.is_anywhere then null
                {%- for level in ['practice', 'pcn', 'icb'] %}
                when levels.area_level = '{{ level }}' then causes.{{ level }}_code
                {%- endfor %}
            end as area_code
        from {{ ref('fct_restatement_causes') }} as causes
        cross join (
            {%- for level in ['practice', 'pcn', 'icb'] %}
            select '{{ level }}' as area_level
            {%- if not loop.last %} union all{% endif %}
            {%- endfor %}
        ) as levels
    ) as placed
{%- endmacro %}
