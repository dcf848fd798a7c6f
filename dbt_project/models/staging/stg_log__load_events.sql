-- One row per load and person (or nobody): the events a load added to the log, before any fold.
-- Reads the log unfolded on purpose: it describes delivery, which the effective facts do not know. The events of people
-- who are left out are counted, because the log holds them, and named as nobody's.
{{ config(materialized='table') }}

with events as (
    select
        events.load_id,
        events.identity_quality,
        events.asserted_at,
        case
            when coalesce(subjects.is_excluded, false) then null
            else coalesce(subjects.person_key, events.subject_key)
        end as subject_key
    from {{ source('log', 'events') }} as events
    left join {{ ref('base_log__subjects') }} as subjects on events.subject_key = subjects.subject_key
)

select
    load_id,
    subject_key,
    max(case when identity_quality = 'local' then 1 else 0 end) as is_local,
    count(*) as events,
    max(asserted_at) as newest_asserted_at
from events
group by load_id, subject_key
