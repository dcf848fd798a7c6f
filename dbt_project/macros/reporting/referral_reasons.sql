{#- The ways of counting reasons: which rows of fct_referral_reasons count in their own category. -#}
{% macro reason_countings() -%}
    {{ return({'any': 'true', 'primary': 'is_primary'}) }}
{%- endmacro %}

{#- The one row of fct_referral_reasons that stands for its referral: each referral has one primary category. -#}
{% macro stands_for_referral() -%}
    {{ return('is_primary') }}
{%- endmacro %}

{#- Which referrals count towards each figure of how much of the reasons is coded: conditions by its name. -#}
{% macro reason_coding_figures() -%}
    {{ return({
        'referrals': 'true',
        'coded': 'reasons_coded > 0',
        'uncoded': 'reasons_coded = 0',
        'unclassified': 'reasons_coded = 0 and reasons_stated > 0',
        'without_reason': 'reasons_stated = 0',
    }) }}
{%- endmacro %}

{#- One row: the version of the shipped mapping, and the region's after it. -#}
{% macro mapping_versions() -%}
    select
        concat_ws(
            '+',
            max(case when origin = 'shipped' then mapping_version end),
            max(case when origin = 'region' then mapping_version end)
        ) as mapping_version
    from {{ ref('dim_code_map') }}
{%- endmacro %}
