-- One row per sender and feed that is registered or was ever delivered: what is expected, what came and whether it is
-- silent.
select
    sources.sender,
    coalesce(senders.sender_name, sources.sender) as sender_name,
    coalesce(senders.sender_kind, 'unknown') as sender_kind,
    sources.feed,
    sources.state,
    sources.cadence_days,
    sources.expected_on,
    sources.days_overdue,
    sources.last_new_on,
    sources.last_repeated_on,
    sources.last_good_at,
    sources.last_bad_at,
    sources.contract_version,
    sources.appointments_left_out
from {{ ref('int_sources') }} as sources
left join {{ ref('int_senders') }} as senders on sources.sender = senders.sender
