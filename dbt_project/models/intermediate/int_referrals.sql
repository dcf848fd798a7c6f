-- One row per referral with its milestones, as its sources last stated them, and its one present state.
-- What a practice coded about its offer is no referral that a service holds; see int_referral_offers.
-- A referral of which only later milestones arrived has no received_on; it is kept and counted, never guessed.
with folded as (
    select
        stream_id as referral_key,
        max(subject_key) as subject_key,
        max(identity_quality) as identity_quality,
        max(provider_code) as service_code,
        max(case when event_type = 'referral.received' then source_system end) as source_system,
        max(case when event_type = 'referral.received' then practice_code end) as stated_practice_code,
        max(case when event_type = 'referral.received' then referral_route end) as route,
        max(case when event_type = 'referral.received' then referral_referrer_role end) as referrer_role,
        max(case when event_type = 'referral.received' then referral_connector_model end) as connector_model,
        max(case when event_type = 'referral.received' then referral_reasons end) as reasons,
        max(case when event_type = 'referral.received' then referral_decided_on end) as decided_on,
        max(case when event_type = 'referral.received' then occurred_on end) as received_on,
        max(case when event_type = 'referral.accepted' then occurred_on end) as accepted_on,
        max(case when event_type = 'referral.rejected' then occurred_on end) as rejected_on,
        max(case when event_type = 'referral.rejected' then referral_reason end) as rejection_reason,
        max(case when event_type = 'referral.declined_by_person' then occurred_on end) as declined_on,
        max(case when event_type = 'referral.declined_by_person' then referral_reason end) as decline_reason,
        max(case when event_type = 'referral.put_on_hold' then occurred_on end) as on_hold_on,
        max(case when event_type = 'referral.closed' then occurred_on end) as closed_on,
        max(case when event_type = 'referral.closed' then referral_reason end) as closure_reason
    from {{ ref('stg_log__referral_events') }}
    where event_type not in ({{ offer_events() }})
    group by stream_id
)

select
    *,
    -- How the offer to take part ended: a person may decline later, and has then still been accepted.
    case
        when accepted_on is not null then 'accepted'
        when rejected_on is not null then 'rejected'
        when declined_on is not null or closure_reason = 'declined' then 'declined'
        when closed_on is not null then 'closed_unanswered'
        else 'open'
    end as enrolment_outcome,
    -- Where the referral stands now: exactly one of these.
    case
        when rejected_on is not null then 'rejected'
        when declined_on is not null or closure_reason = 'declined' then 'declined'
        when closed_on is not null then 'closed'
        when on_hold_on is not null then 'on_hold'
        when accepted_on is not null then 'active'
        else 'waiting'
    end as state
from folded
