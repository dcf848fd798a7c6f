-- One row per sender and feed that is registered or was ever delivered: what is expected, and what came.
-- A file that repeats what is known is no news: a source that sends yesterday's file again falls behind like a silent
-- one.
with registered as (
    {{ unnest_with_position(ref('int_senders'), ['sender', 'cadence_days', 'first_expected'], 'feeds', 'feed') }}
),

delivered as (
    select
        sender,
        feed,
        max(case when status in ('committed', 'noop') then received_at end) as last_good_at,
        max(case when status in ('held', 'refused') then received_at end) as last_bad_at,
        max(case when status = 'committed' then received_on end) as last_new_on,
        max(case when status = 'noop' then received_on end) as last_repeated_on,
        max({{ pack([['received_at', 'received_at'], ['version', 'contract_version']]) }}) as newest
    from {{ ref('stg_log__loads') }}
    group by sender, feed
),

twice as (
    select
        loads.sender,
        loads.feed,
        count(distinct duplicates.appointment_key) as appointments_left_out
    from {{ ref('int_appointment_duplicates') }} as duplicates
    inner join {{ ref('base_log__events') }} as events on duplicates.appointment_key = events.stream_id
    inner join {{ ref('stg_log__loads') }} as loads on events.load_id = loads.load_id
    where not duplicates.is_kept
    group by loads.sender, loads.feed
),

expected as (
    select
        coalesce(registered.sender, delivered.sender) as sender,
        coalesce(registered.feed, delivered.feed) as feed,
        registered.sender is not null as is_registered,
        registered.cadence_days,
        delivered.newest.version as contract_version,
        delivered.last_good_at,
        delivered.last_bad_at,
        delivered.last_new_on,
        delivered.last_repeated_on,
        case
            when delivered.last_new_on is null then registered.first_expected
            else {{ add_days('delivered.last_new_on', 'registered.cadence_days') }}
        end as expected_on
    from registered
    full outer join delivered
        on
            registered.sender = delivered.sender
            and registered.feed = delivered.feed
)

select
    expected.*,
    coalesce(twice.appointments_left_out, 0) as appointments_left_out,
    cast(
        greatest(coalesce({{ days_between('expected.expected_on', 'pinned.cut_off') }}, 0), 0) as integer
    ) as days_overdue,
    case
        when not expected.is_registered then 'not_registered'
        when expected.last_new_on is null and expected.expected_on <= pinned.cut_off then 'never_delivered'
        when expected.expected_on is null then 'unscheduled'
        when expected.expected_on >= pinned.cut_off then 'on_time'
        when expected.last_repeated_on > expected.last_new_on then 'repeats'
        else 'silent'
    end as state
from expected
cross join {{ ref('stg_log__pinned') }} as pinned
left join twice
    on
        expected.sender = twice.sender
        and expected.feed = twice.feed
