-- One row per registered sender, as it was registered last: who may send which feeds.
with newest as (
    select
        code,
        max({{ pack([
            ['valid_from', 'valid_from'],
            ['name', 'name'],
            ['kind', 'kind'],
            ['source_system', 'source_system'],
            ['cadence_days', 'cadence_days'],
        ]) }}) as entry
    from {{ source('reference', 'senders') }}
    group by code
)

select
    code as sender,
    entry.name as sender_name,
    entry.kind as sender_kind,
    entry.source_system,
    entry.cadence_days
from newest
