-- One row per refused record and rule it broke: where it stands, never what it says.
select
    load_id,
    feed,
    sender,
    source_line,
    rule,
    field
from {{ source('log', 'quarantine') }}
