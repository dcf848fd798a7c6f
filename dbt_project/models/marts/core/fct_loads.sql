-- One row per load: a file taken through the gate once, what became of its records and what it added to the log.
-- The counts of a held or refused file are provisional: its records entered nothing.
select
    load_id,
    feed,
    sender,
    file_name,
    received_at,
    status,
    records,
    accepted,
    duplicate,
    superseded,
    conflict,
    quarantined,
    skipped,
    events,
    events_in_log,
    contract_version,
    newest_asserted_at,
    coalesce(is_whole, false) as is_whole
from {{ ref('int_loads') }}
