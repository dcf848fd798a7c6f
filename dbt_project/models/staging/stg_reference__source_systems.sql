-- One row per registered sender and source system: the days on which its records came from it.
select
    code as sender,
    source_system,
    valid_from,
    valid_to
from {{ source('reference', 'senders') }}
where withdrawn_on is null
