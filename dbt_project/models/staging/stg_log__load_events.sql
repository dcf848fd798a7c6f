-- One row per load and person (or nobody): the events a load added to the log, before any fold.
-- Reads the log unfolded on purpose: it describes delivery, which the effective facts do not know.
{{ config(materialized='table') }}

select
    load_id,
    subject_key,
    max(case when identity_quality = 'local' then 1 else 0 end) as is_local,
    count(*) as events,
    max(asserted_at) as newest_asserted_at
from {{ source('log', 'events') }}
group by load_id, subject_key
