-- One row per registered sender, as it was registered last: who may send which feeds. None that was withdrawn.
with newest as (
    select
        code,
        max({{ pack([
            ['valid_from', 'valid_from'],
            ['name', 'name'],
            ['kind', 'kind'],
            ['source_system', 'source_system'],
            ['cadence_days', 'cadence_days'],
            ['feeds', 'feeds'],
            ['first_expected', 'first_expected'],
        ]) }}) as entry
    from {{ source('reference', 'senders') }}
    where withdrawn_on is null
    group by code
)

select
    code as sender,
    entry.name as sender_name,
    entry.kind as sender_kind,
    entry.source_system,
    entry.cadence_days,
    entry.feeds,
    entry.first_expected
from newest
