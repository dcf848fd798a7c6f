{#- The stages of uptake that are shown by both footprints. -#}
{% macro footprint_stages() -%}
    {{ return(['referred', 'accepted', 'contacted', 'completed']) }}
{%- endmacro %}

{#-
One row per received referral, stage it reached, and place it counts in: twice, once under the network and board of its
practice on the day of receipt (1 in referrals_as_at), and once under those that stand for that practice today (1 in
referrals_current).
-#}
{% macro footprint_rows() -%}
    {%- set breakdowns = linkwork.reporting_breakdowns() -%}
    with places as (
        {%- for footprint in ['as_at', 'current'] %}
        select
            referrals.referral_id,
            referrals.person_id,
            referrals.received_on,
            {%- if footprint == 'as_at' %}
            referrals.pcn_code,
            referrals.icb_code,
            {%- else %}
            coalesce(footprint.current_pcn_code, 'UNKNOWN') as pcn_code,
            coalesce(footprint.current_icb_code, 'UNKNOWN') as icb_code,
            {%- endif %}
            {%- for breakdown in breakdowns %}
            referrals.{{ breakdown }},
            {%- endfor %}
            {{ 1 if footprint == 'as_at' else 0 }} as referrals_as_at,
            {{ 1 if footprint == 'current' else 0 }} as referrals_current
        from {{ ref('fct_referrals') }} as referrals
        {%- if footprint == 'current' %}
        left join {{ ref('dim_current_footprint') }} as footprint on referrals.practice_code = footprint.practice_code
        {%- endif %}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    placed as (
        {{ linkwork.reporting_rows('places', 'received_on', levels=['pcn', 'icb'], breakdowns=breakdowns) }}
    ),

    reached as (
        {{ linkwork.uptake_reached(linkwork.footprint_stages(), 'stage') }}
    )

    select
        {{ linkwork.reporting_keys('placed') }},
        reached.stage,
        placed.referral_id,
        placed.person_id,
        placed.referrals_as_at,
        placed.referrals_current
    from placed
    inner join reached on placed.referral_id = reached.referral_id
{%- endmacro %}
