-- One row per period, practice, breakdown group and service (and all services): buy-in and connections.
-- Of the referrals received in the period: by how many referrers, how many per 1,000 registered, how many assets they
-- led to, whether one link worker stayed, and whether the referrer was told. What follows a referral counts whenever it
-- came, so read the newest periods with care. The list is that in force on the last day of the period.
with connections as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_connections') }}
),

placed as (
    {{ connection_rows('connections') }}
),

counted as (
    select
        {{ reporting_keys() }},
        counted_service as service_code,
        {%- for figure in connection_figures() %}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {%- endfor %}
        count(case when is_messaging_known then 1 end) as referrals_messaging_known,
        count(distinct person) as people,
        count(distinct referrer_id) as active_referrers
    from placed
    group by {{ reporting_keys() }}, counted_service
),

breadth as (
    select
        {{ reporting_keys('placed') }},
        placed.counted_service as service_code,
        count(distinct assets.asset_id) as assets_used
    from placed
    inner join {{ ref('fct_referral_assets') }} as assets on placed.referral_id = assets.referral_id
    group by {{ reporting_keys('placed') }}, placed.counted_service
)

select
    {{ reporting_keys('counted') }},
    counted.service_code,
    areas.area_name,
    counted.referrals,
    counted.people,
    counted.referrals_with_referrer,
    counted.active_referrers,
    {{ ratio('counted.referrals_with_referrer', 'counted.active_referrers') }} as referrals_per_referrer,
    lists.patients as registered,
    1000 * {{ ratio('counted.referrals', 'lists.patients') }} as referrals_per_1000,
    coalesce(breadth.assets_used, 0) as assets_used,
    counted.referrals_in_continuity,
    counted.contacts_in_continuity,
    counted.contacts_same_worker,
    {{ ratio('counted.contacts_same_worker', 'counted.contacts_in_continuity') }} as continuity,
    counted.referrals_messaging_known,
    counted.referrals_messaged,
    counted.messages_back,
    {{ ratio('counted.referrals_messaged', 'counted.referrals_messaging_known') }} as messaged_share,
    breaks.comparability_breaks
from counted
left join breadth
    on
        {% for column in reporting_keys().split(', ') -%}
        counted.{{ column }} = breadth.{{ column }}
        and {% endfor -%}
        counted.service_code = breadth.service_code
left join {{ ref('dim_list_sizes') }} as lists
    on
        counted.area_code = lists.practice_code
        and lists.breakdown = 'total'
        and counted.breakdown = 'none'
        and counted.period_end >= lists.valid_from
        and counted.period_end <= coalesce(lists.valid_to, counted.period_end)
left join {{ ref('dim_areas') }} as areas
    on
        counted.area_level = areas.area_level
        and counted.area_code = areas.area_code
left join (
    {{ period_breaks('counted', affects=['boards', 'lists']) }}
) as breaks
    on {{ same_in('counted', 'breaks', area_period_keys()) }}
