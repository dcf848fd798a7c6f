-- One row per referral of a person who is left out: what others report of it goes too, even where it names nobody.
{{ config(materialized='table') }}

select distinct events.stream_id
from {{ ref('base_log__events') }} as events
inner join {{ ref('base_log__subjects') }} as subjects on events.subject_key = subjects.subject_key
where
    events.category = 'referral'
    and subjects.is_excluded
