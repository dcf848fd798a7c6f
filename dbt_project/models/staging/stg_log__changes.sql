-- One row per event of a stream that the log has told more about since the earlier release, with what the event does to
-- the figures of that release.
-- Reads the log unfolded on purpose: what was withdrawn has no effective fact any more. People who are left out have no
-- row, and neither has a stub of the erased: nothing says what it was.
{{ config(materialized='table') }}

with told as (
    select distinct events.stream_id
    from {{ source('log', 'events') }} as events
    inner join {{ ref('stg_log__earlier_release') }} as earlier on events.recorded_at > earlier.known_at
    where events.stream_id is not null
)

select
    events.fact_id,
    events.category,
    events.stream_id,
    events.event_type,
    events.occurred_on,
    events.practice_code,
    coalesce(events.correlation_id, events.stream_id) as referral_key,
    coalesce(subjects.person_key, events.subject_key) as subject_key,
    events.recorded_at > earlier.known_at as is_since,
    case
        when events.origin = 'load_retracted' or events.revision_kind = 'retraction' then 'retracted'
        when events.revision_kind <> 'original' then 'corrected'
        when events.occurred_on <= earlier.cut_off then 'late'
        else 'followed'
    end as cause
from {{ source('log', 'events') }} as events
inner join told on events.stream_id = told.stream_id
cross join {{ ref('stg_log__earlier_release') }} as earlier
left join {{ ref('base_log__subjects') }} as subjects on events.subject_key = subjects.subject_key
where
    events.fact_id is not null
    and not coalesce(subjects.is_excluded, false)
