-- One row per received referral and move of it: onto a service's caseload, off it, or back onto it.
-- It comes as new, transferred in or reopened; it leaves by any end of the referral (closed) or transferred out.
-- Where the service that a referral was handed to has a record of its own, received within `transfer_days` of that day,
-- that record is what was transferred in, and is not new; else the first service's record goes on there.
with referrals as (
    select
        referral_key,
        subject_key,
        coalesce(service_code, 'UNKNOWN') as service_code,
        received_on
    from {{ ref('int_referral_milestones') }}
    where received_on is not null
),

course as (
    select *
    from {{ ref('int_referral_course') }}
    where referral_key in (select referral_key from referrals)
),

handed_over as (
    select
        course.referral_key,
        course.occurred_on,
        course.transferred_to,
        max(own.referral_key) as own_key
    from course
    inner join referrals on course.referral_key = referrals.referral_key
    left join referrals as own
        on
            referrals.subject_key = own.subject_key
            and course.transferred_to = own.service_code
            and course.referral_key <> own.referral_key
            and abs({{ days_between('course.occurred_on', 'own.received_on') }}) <= {{ var('transfer_days') }}
    where course.event_type = 'referral.transferred'
    group by course.referral_key, course.occurred_on, course.transferred_to
),

-- In the order of a day. A service that closes a referral on the day it hands it over has handed it over.
moves as (
    select
        referrals.referral_key,
        referrals.received_on as moved_on,
        1 as move_rank,
        case when received.own_key is null then 'new' else 'transferred_in' end as move,
        cast(null as string) as outcome,
        referrals.service_code
    from referrals
    left join (select distinct own_key from handed_over) as received
        on referrals.referral_key = received.own_key
    union all
    select
        referral_key,
        occurred_on as moved_on,
        2 as move_rank,
        'transferred_out' as move,
        'transferred' as outcome,
        cast(null as string) as service_code
    from handed_over
    union all
    select
        handed_over.referral_key,
        handed_over.occurred_on as moved_on,
        3 as move_rank,
        'transferred_in' as move,
        cast(null as string) as outcome,
        handed_over.transferred_to as service_code
    from handed_over
    left join course as closures
        on
            handed_over.referral_key = closures.referral_key
            and handed_over.occurred_on = closures.occurred_on
            and closures.event_type = 'referral.closed'
    where
        handed_over.own_key is null
        and handed_over.transferred_to is not null
        and closures.referral_key is null
    union all
    select
        referral_key,
        occurred_on as moved_on,
        case event_type
            when 'referral.rejected' then 4
            when 'referral.declined_by_person' then 5
            when 'referral.closed' then 6
            else 7
        end as move_rank,
        'closed' as move,
        case
            when event_type = 'referral.closed' and reason = 'declined' then 'declined'
            when event_type = 'referral.declined_by_person' and reason in ({{ no_response_reasons() }}) then 'closed'
            when event_type = 'referral.declined_by_person' then 'declined'
            else substr(event_type, 10)
        end as outcome,
        cast(null as string) as service_code
    from course
    where event_type not in ('referral.transferred', 'referral.reopened')
    union all
    select
        referral_key,
        occurred_on as moved_on,
        8 as move_rank,
        'reopened' as move,
        cast(null as string) as outcome,
        cast(null as string) as service_code
    from course
    where event_type = 'referral.reopened'
)

-- Nothing leaves a caseload before it came.
select
    moves.referral_key,
    greatest(moves.moved_on, referrals.received_on) as moved_on,
    moves.move_rank,
    moves.move,
    moves.move in ('new', 'transferred_in', 'reopened') as is_in,
    moves.outcome,
    moves.service_code
from moves
inner join referrals on moves.referral_key = referrals.referral_key
