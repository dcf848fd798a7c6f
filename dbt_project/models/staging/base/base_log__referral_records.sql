-- One row per record of a received referral, as one sender keeps it: what it is known by, and who speaks in it.
-- A requester's record says that it is one (stated_by); a record that says nothing of the kind is that of whoever holds
-- the referral. In some feeds both speak of one record. A record that was entered in error is none.
{{ config(materialized='table') }}

with facts as (
    {{ effective_facts('referral', ['stated_by', 'shared_reference'], linked=false) }}
),

records as (
    select
        stream_id as record_key,
        max(subject_key) as subject_key,
        max(identity_quality) as identity_quality,
        max(case when event_type = 'referral.received' then provider_code end) as service_code,
        max(case when event_type = 'referral.received' then referral_shared_reference end) as shared_reference,
        max(case when event_type = 'referral.received' then occurred_on end) as received_on,
        bool_or(coalesce(referral_stated_by, 'performer') = 'requester') as has_requester,
        bool_or(coalesce(referral_stated_by, 'performer') = 'performer') as has_performer,
        bool_or(event_type = 'referral.entered_in_error') as is_in_error
    from facts
    where event_type not in ({{ offer_events() }})
    group by stream_id
)

select
    record_key,
    subject_key,
    identity_quality,
    service_code,
    shared_reference,
    received_on,
    case
        when has_requester and has_performer then 'both'
        when has_requester then 'requester'
        else 'performer'
    end as role
from records
where
    received_on is not null
    and not is_in_error
