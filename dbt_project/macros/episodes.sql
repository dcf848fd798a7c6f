{#-
The episodes of which outcomes are paired, one row each: when it began, when contact was first held, when it ended (null
while any of its referrals goes on and the person lives), and the person and organisations as on the day its first referral was received. A
referral that comes again within an episode (int_referral_episodes) belongs to it.
-#}
{% macro episodes() -%}
    select
        first_ones.referral_id as episode_id,
        first_ones.referral_id,
        first_ones.person_id,
        first_ones.service_code,
        first_ones.received_on,
        wholes.first_contact_held_on,
        wholes.ended_on,
        wholes.referrals,
        first_ones.practice_code,
        first_ones.pcn_code,
        first_ones.icb_code,
        {% for breakdown in linkwork.reporting_breakdowns() -%}
        first_ones.{{ breakdown }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ ref('fct_referrals') }} as first_ones
    inner join (
        select
            members.episode_id,
            count(*) as referrals,
            min(referrals.first_contact_held_on) as first_contact_held_on,
            coalesce(
                case when count(*) = count(referrals.ended_on) then max(referrals.ended_on) end, max(referrals.died_on)
            ) as ended_on
        from {{ ref('fct_referrals') }} as referrals
        inner join (
            {{ linkwork.referrals_of_episodes() }}
        ) as members on referrals.referral_id = members.referral_id
        group by members.episode_id
    ) as wholes on first_ones.referral_id = wholes.episode_id
{%- endmacro %}

{#- One row per received referral with the id of its episode: that of the referral it began with. -#}
{% macro referrals_of_episodes() -%}
    select
        referral_id,
        max(case when episode_sequence = 1 then referral_id end) over (
            partition by coalesce(person_id, referral_id), coalesce(service_code, 'UNKNOWN'), episode
        ) as episode_id
    from {{ ref('fct_referrals') }}
{%- endmacro %}
