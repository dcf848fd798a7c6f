{#- The ways of counting reasons: which rows of fct_referral_reasons count in their own category. -#}
{% macro reason_countings() -%}
    {{ return({'any': 'true', 'primary': 'is_primary'}) }}
{%- endmacro %}

{#- The one row of fct_referral_reasons that stands for its referral: each referral has one primary category. -#}
{% macro stands_for_referral() -%}
    {{ return('is_primary') }}
{%- endmacro %}
