-- One row per referral that facts name and of which the log holds no event: what waits for it, and since when.
-- Such facts are kept, and find their referral by themselves when it comes. A referral that came and was withdrawn or
-- is contested is not waited for. What a performer says of a request that is not known waits for it like any other.
-- References of people who are left out are left out with them.
{%- set categories = ['activity', 'appointment', 'engagement', 'need', 'referral'] %}

with arrived as (
    select distinct coalesce(links.referral_key, events.stream_id) as stream_id
    from {{ ref('base_log__events') }} as events
    left join {{ ref('base_log__referral_links') }} as links on events.stream_id = links.record_key
    where
        events.category = 'referral'
        and coalesce(events.referral_stated_by, '') <> 'performer'
),

facts as (
    {% for category in categories -%}
    select
        fact_id,
        correlation_id,
        provider_code,
        occurred_on,
        '{{ category }}' as category
    from {{ ref('stg_log__' ~ category ~ '_events') }}
    where correlation_id is not null
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

waiting as (
    select facts.*
    from facts
    left join arrived on facts.correlation_id = arrived.stream_id
    where arrived.stream_id is null
),

asserted as (
    select
        waiting.correlation_id,
        min(events.asserted_at) as first_asserted_at
    from waiting
    inner join {{ ref('base_log__events') }} as events on waiting.fact_id = events.fact_id
    group by waiting.correlation_id
),

counted as (
    select
        correlation_id,
        {% for category in categories -%}
        max(case when category = '{{ category }}' then category end) as {{ category }},
        {% endfor -%}
        min(provider_code) as provider_code,
        count(distinct provider_code) as providers,
        count(*) as facts,
        min(occurred_on) as first_occurred_on
    from waiting
    group by correlation_id
)

select
    counted.correlation_id as referral_key,
    concat_ws(', ', {{ categories | join(', ') }}) as categories,
    counted.provider_code,
    counted.providers,
    counted.facts,
    counted.first_occurred_on,
    {{ local_date('asserted.first_asserted_at') }} as first_asserted_on,
    {{ days_between('counted.first_occurred_on', 'pinned.cut_off') }} as age_days
from counted
inner join asserted on counted.correlation_id = asserted.correlation_id
cross join {{ ref('stg_log__pinned') }} as pinned
