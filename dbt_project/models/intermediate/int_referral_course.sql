-- One row per referral and statement that changes where it stands: an end, a reopening or a transfer.
-- Of its course the performer's statement counts, of a cancellation the requester's, as in int_referral_milestones.
with statements as (
    select
        stream_id as referral_key,
        event_type,
        occurred_on,
        referral_transferred_to as transferred_to,
        referral_reason as reason,
        case
            when event_type = 'referral.cancelled' then coalesce(referral_stated_by, 'requester') = 'requester'
            else coalesce(referral_stated_by, 'performer') = 'performer'
        end as is_first_hand
    from {{ ref('stg_log__referral_events') }}
    where event_type in (
        'referral.rejected', 'referral.declined_by_person', 'referral.closed', 'referral.cancelled',
        'referral.reopened', 'referral.transferred'
    )
),

by_whom as (
    select
        referral_key,
        event_type,
        bool_or(is_first_hand) as is_first_hand
    from statements
    group by referral_key, event_type
)

select
    statements.referral_key,
    statements.event_type,
    statements.occurred_on,
    statements.transferred_to,
    statements.reason
from statements
inner join by_whom
    on
        statements.referral_key = by_whom.referral_key
        and statements.event_type = by_whom.event_type
        and statements.is_first_hand = by_whom.is_first_hand
