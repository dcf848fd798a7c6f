-- One row per load: a file taken through the gate once, and the fate of its records.
select
    load_id,
    feed,
    sender,
    file_name,
    received_at,
    {{ local_date('received_at') }} as received_on,
    status,
    records,
    accepted,
    duplicate,
    superseded,
    conflict,
    quarantined,
    skipped,
    events,
    recorded_at,
    contract_version
from {{ source('log', 'loads') }}
