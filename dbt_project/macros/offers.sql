{#- The statements of a practice about an offer of social prescribing, with what each means. -#}
{% macro offer_meanings() -%}
    {{ return({
        'referral.offered': 'offered',
        'referral.accepted_at_offer': 'accepted',
        'referral.declined_at_offer': 'declined',
    }) }}
{%- endmacro %}

{#- The same as a list of SQL literals. -#}
{% macro offer_events() -%}
    '{{ linkwork.offer_meanings() | join("', '") }}'
{%- endmacro %}

{#- What one statement adds to each figure of its practice: expressions by the name of the figure. -#}
{% macro offer_amounts() -%}
    {%- set counted = "meaning = '%s' and not is_repeat" -%}
    {{ return({
        'statements': '1',
        'offered': 'case when ' ~ counted | replace('%s', 'offered') ~ ' then 1 else 0 end',
        'accepted': 'case when ' ~ counted | replace('%s', 'accepted') ~ ' then 1 else 0 end',
        'declined': 'case when ' ~ counted | replace('%s', 'declined') ~ ' then 1 else 0 end',
        'accepted_codes': "case when meaning = 'accepted' then 1 else 0 end",
        'accepted_repeats': "case when meaning = 'accepted' and is_repeat then 1 else 0 end",
    }) }}
{%- endmacro %}

{#- Which offers count towards each figure of rpt_offers: conditions by the name of the figure. -#}
{% macro offer_figures() -%}
    {{ return({
        'offers': 'true',
        'accepted': "outcome = 'accepted'",
        'declined_at_offer': "outcome = 'declined'",
        'not_answered': "outcome = 'open'",
    }) }}
{%- endmacro %}

{#- What offers are broken down by: the usual but the route, which is a practice's always. -#}
{% macro offer_breakdowns() -%}
    {{ return(linkwork.reporting_breakdowns() | reject('equalto', 'route') | list) }}
{%- endmacro %}
