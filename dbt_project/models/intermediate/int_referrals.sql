-- One row per referral with its milestones, as its sources last stated them, and its one present state.
-- What a practice coded about its offer is no referral that a service holds; see int_referral_offers.
-- Two may speak of one referral: of the request itself the requester's statement wins, of what became of it the
-- performer's. What a performer alone says has no received_on: whether it is a referral only the request can tell.
-- A referral of which only later milestones arrived has no received_on either; it is kept and counted, never guessed.
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
        max(case when event_type = 'referral.received' then source_system end) as source_system,
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
        {{ stated_by('performer', 'referral.rejected', 'occurred_on') }} as rejected_on,
        {{ stated_by('performer', 'referral.rejected', 'referral_reason') }} as rejection_reason,
        {{ stated_by('performer', 'referral.declined_by_person', 'occurred_on') }} as declined_on,
        {{ stated_by('performer', 'referral.declined_by_person', 'referral_reason') }} as decline_reason,
        {{ stated_by('performer', 'referral.put_on_hold', 'occurred_on') }} as on_hold_on,
        {{ stated_by('requester', 'referral.cancelled', 'occurred_on') }} as cancelled_on,
        {{ stated_by('requester', 'referral.cancelled', 'referral_cancelled_by') }} as cancelled_by,
        {{ stated_by('performer', 'referral.closed', 'occurred_on') }} as closed_on,
        {{ stated_by('performer', 'referral.closed', 'referral_reason') }} as closure_reason
    from {{ ref('stg_log__referral_events') }}
    where event_type not in ({{ offer_events() }})
    group by stream_id
)

select
    *,
    case when is_requested then stated_received_on end as received_on,
    -- How the offer to take part ended: a person may decline later, and has then still been accepted.
    case
        when accepted_on is not null then 'accepted'
        when rejected_on is not null then 'rejected'
        when declined_on is not null or closure_reason = 'declined' then 'declined'
        when closed_on is not null or cancelled_on is not null then 'closed_unanswered'
        else 'open'
    end as enrolment_outcome,
    -- Where the referral stands now: exactly one of these.
    case
        when rejected_on is not null then 'rejected'
        when declined_on is not null or closure_reason = 'declined' then 'declined'
        when closed_on is not null then 'closed'
        when cancelled_on is not null then 'cancelled'
        when on_hold_on is not null then 'on_hold'
        when accepted_on is not null then 'active'
        else 'waiting'
    end as state
from folded
