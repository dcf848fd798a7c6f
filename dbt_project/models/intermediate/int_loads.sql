-- One row per load that this build can see: the fate of its records beside the events the log holds of it.
with events as (
    select
        load_id,
        cast(sum(events) as bigint) as events_in_log,
        max(newest_asserted_at) as newest_asserted_at
    from {{ ref('stg_log__load_events') }}
    group by load_id
)

select
    loads.load_id,
    loads.feed,
    loads.sender,
    loads.file_name,
    loads.received_at,
    loads.status,
    loads.records,
    loads.accepted,
    loads.duplicate,
    loads.superseded,
    loads.conflict,
    loads.quarantined,
    loads.skipped,
    loads.events,
    loads.contract_version,
    coalesce(events.events_in_log, 0) as events_in_log,
    events.newest_asserted_at,
    -- A build as known at an earlier time reads none of the later loads, which is right.
    loads.events = coalesce(events.events_in_log, 0)
    or (events.events_in_log is null and loads.recorded_at > pinned.known_at) as is_whole
from {{ ref('stg_log__loads') }} as loads
left join events on loads.load_id = events.load_id
cross join {{ ref('stg_log__pinned') }} as pinned
