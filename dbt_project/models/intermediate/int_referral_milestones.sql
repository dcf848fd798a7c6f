-- One row per referral with the milestones its sources last stated, whatever came after each of them.
-- What a practice coded about its offer is no referral that a service holds; see int_referral_offers.
-- Two may speak of one referral: of the request itself the requester's statement wins, of what became of it the
-- performer's. What a performer alone says has no received_on: whether it is a referral only the request can tell.
-- A referral of which only later milestones arrived has no received_on either; it is kept and counted, never guessed.
-- Of several statements of one milestone the newest counts, with its own reason.
{%- set with_reason = pack([['day', 'occurred_on'], ['said', 'referral_reason']]) %}
{%- set with_canceller = pack([['day', 'occurred_on'], ['said', 'referral_cancelled_by']]) %}

with folded as (
    select
        stream_id as referral_key,
        coalesce(
            max(case when coalesce(referral_stated_by, '') <> 'performer' then subject_key end), max(subject_key)
        ) as subject_key,
        max(identity_quality) as identity_quality,
        coalesce(
            max(case when coalesce(referral_stated_by, '') <> 'requester' then provider_code end), max(provider_code)
        ) as service_code,
        {{ stated_by('requester', 'referral.received', 'source_system') }} as source_system,
        bool_or(
            event_type = 'referral.received' and coalesce(referral_stated_by, '') <> 'performer'
        ) as is_requested,
        {{ stated_by('requester', 'referral.received', 'practice_code') }} as stated_practice_code,
        {{ stated_by('requester', 'referral.received', 'referral_route') }} as route,
        {{ stated_by('requester', 'referral.received', 'referral_referrer_role') }} as referrer_role,
        {{ stated_by('requester', 'referral.received', 'referral_referrer_key') }} as referrer_key,
        {{ stated_by('requester', 'referral.received', 'referral_connector_model') }} as connector_model,
        {{ stated_by('requester', 'referral.received', 'referral_reasons') }} as reasons,
        {{ stated_by('requester', 'referral.received', 'referral_decided_on') }} as decided_on,
        {{ stated_by('performer', 'referral.received', 'occurred_on') }} as stated_received_on,
        {{ stated_by('performer', 'referral.accepted', 'occurred_on') }} as accepted_on,
        {{ stated_by('performer', 'referral.rejected', with_reason) }} as rejected,
        {{ stated_by('performer', 'referral.declined_by_person', with_reason) }} as declined,
        {{ stated_by('performer', 'referral.put_on_hold', 'occurred_on') }} as on_hold_on,
        {{ stated_by('performer', 'referral.resumed', 'occurred_on') }} as resumed_on,
        {{ stated_by('requester', 'referral.cancelled', with_canceller) }} as cancelled,
        {{ stated_by('performer', 'referral.closed', with_reason) }} as closed
    from {{ ref('stg_log__referral_events') }}
    where event_type not in ({{ offer_events() }})
    group by stream_id
)

select
    referral_key,
    subject_key,
    identity_quality,
    service_code,
    source_system,
    stated_practice_code,
    route,
    referrer_role,
    referrer_key,
    connector_model,
    reasons,
    decided_on,
    case when is_requested then stated_received_on end as received_on,
    accepted_on,
    on_hold_on,
    resumed_on,
    rejected.day as rejected_on,
    rejected.said as rejection_reason,
    declined.day as declined_on,
    declined.said as decline_reason,
    cancelled.day as cancelled_on,
    cancelled.said as cancelled_by,
    closed.day as closed_on,
    closed.said as closure_reason
from folded
