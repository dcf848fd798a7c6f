-- One row per received referral: its index day for GP reattendance, how it was found, and why it is left out if so.
-- The index is the day of the decision to refer; else the last attended GP contact of the days up to the receipt,
-- marked inferred; else, for a self-referral, the day of receipt. A later referral in the same episode has no index
-- of its own: an episode ends when its referral does or after a gap
-- without referrals. From a receipt in a month or year no index is found.
with referrals as (
    select
        referrals.*,
        case when inexact.about_key is null then referrals.received_on end as exact_receipt_on
    from {{ ref('int_referrals') }} as referrals
    left join {{ ref('int_inexact_days') }} as inexact
        on
            referrals.referral_key = inexact.about_key
            and referrals.received_on = inexact.occurred_on
            and inexact.event_type = 'referral.received'
    where referrals.received_on is not null
),

inferred as (
    select
        referrals.referral_key,
        max(contacts.contact_on) as contact_on
    from referrals
    inner join {{ ref('int_gp_contacts') }} as contacts
        on
            referrals.subject_key = contacts.subject_key
            and referrals.exact_receipt_on >= contacts.contact_on
            and {{ add_days('referrals.exact_receipt_on', -var('inferred_index_days')) }} <= contacts.contact_on
            and contacts.has_gp
    where referrals.decided_on is null
    group by referrals.referral_key
),

indexed as (
    select
        referrals.referral_key,
        referrals.subject_key,
        referrals.received_on,
        referrals.ended_on,
        coalesce(
            referrals.decided_on,
            inferred.contact_on,
            case when referrals.route = 'self' then referrals.exact_receipt_on end
        ) as index_on,
        case
            when referrals.decided_on is not null then 'stated'
            when inferred.contact_on is not null then 'inferred'
            when referrals.route = 'self' and referrals.exact_receipt_on is not null then 'receipt'
            else 'none'
        end as index_basis
    from referrals
    left join inferred on referrals.referral_key = inferred.referral_key
),

sequenced as (
    select
        *,
        row_number() over in_order as referral_sequence,
        lag(received_on) over in_order as previous_received_on,
        lag(ended_on) over in_order as previous_ended_on
    from indexed
    window in_order as (partition by subject_key order by received_on, index_on, referral_key)
)

select
    sequenced.referral_key,
    sequenced.subject_key,
    sequenced.referral_sequence,
    sequenced.index_on,
    sequenced.index_basis,
    coverage.first_on as covered_from,
    coverage.last_on as covered_to,
    case
        when sequenced.subject_key is null then 'not_covered'
        when
            sequenced.previous_received_on is not null
            and coalesce(sequenced.previous_ended_on > sequenced.received_on, true)
            and sequenced.received_on < {{ add_days('sequenced.previous_received_on', var('episode_gap_days')) }}
            then 'same_episode'
        when sequenced.index_on is null then 'no_index'
        when coverage.subject_key is null then 'not_covered'
        else 'included'
    end as inclusion
from sequenced
left join {{ ref('int_person_coverage') }} as coverage
    on
        sequenced.subject_key = coverage.subject_key
        and sequenced.index_on >= coverage.first_on
        and sequenced.index_on <= coverage.last_on
