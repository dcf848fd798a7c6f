-- One row per sender, feed and month of receipt: what arrived, who it was about and whether they are known.
with loads as (
    select
        *,
        {{ delivery_month() }} as month
    from {{ ref('stg_log__loads') }}
),

registered as (
    select distinct subject_key
    from {{ ref('int_registrations') }}
),

people as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct events.subject_key) as people,
        count(distinct case when events.is_local = 1 then events.subject_key end) as people_local,
        count(distinct registered.subject_key) as people_registered,
        max(events.newest_asserted_at) as newest_asserted_at
    from loads
    inner join {{ ref('stg_log__load_events') }} as events on loads.load_id = events.load_id
    left join registered on events.subject_key = registered.subject_key
    group by loads.sender, loads.feed, loads.month
),

rules as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct refused.rule) as rules_broken
    from loads
    inner join {{ ref('stg_log__quarantine') }} as refused on loads.load_id = refused.load_id
    group by loads.sender, loads.feed, loads.month
),

fates as (
    select
        sender,
        feed,
        month,
        {% for figure, amount in delivery_amounts().items() -%}
        cast(sum({{ amount }}) as bigint) as {{ figure }},
        {% endfor -%}
        max(case when status in ('committed', 'noop') then received_at end) as last_good_at,
        max(case when status in ('held', 'refused') then received_at end) as last_bad_at
    from loads
    group by sender, feed, month
)

select
    fates.*,
    coalesce(people.people, 0) as people,
    coalesce(people.people_local, 0) as people_local,
    coalesce(people.people_registered, 0) as people_registered,
    coalesce(rules.rules_broken, 0) as rules_broken,
    people.newest_asserted_at
from fates
left join people
    on
        fates.sender = people.sender
        and fates.feed = people.feed
        and fates.month = people.month
left join rules
    on
        fates.sender = rules.sender
        and fates.feed = rules.feed
        and fates.month = rules.month
