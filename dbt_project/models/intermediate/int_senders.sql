-- One row per registered sender.
select
    sender,
    sender_name,
    sender_kind,
    source_system,
    cadence_days,
    feeds,
    first_expected
from {{ ref('stg_reference__senders') }}
