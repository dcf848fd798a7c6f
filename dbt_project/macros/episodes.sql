{#-
The episodes of which outcomes are paired, one row each: when it began, when contact was first held, when it ended (null
while it goes on), and the person as on the day of receipt. Here, and in the next macro alone, an episode is a referral.
-#}
{% macro episodes() -%}
    select
        referral_id as episode_id,
        referral_id,
        person_id,
        service_code,
        received_on,
        first_contact_held_on,
        ended_on,
        practice_code,
        pcn_code,
        icb_code,
        {{ linkwork.reporting_breakdowns() | join(', ') }}
    from {{ ref('fct_referrals') }}
{%- endmacro %}

{#- The episode that a referral belongs to: an expression over its id. -#}
{% macro episode_of(referral_id) -%}
    {{ referral_id }}
{%- endmacro %}
