-- One row per stay of a received referral on a service's caseload: from the day it came to the day it left.
-- It comes as new, transferred in or reopened; it leaves by any end of the referral (closed) or transferred out. What
-- ends a referral that has ended, or reopens one that is open, changes nothing.
-- Where the service that a referral was handed to has a record of its own, received within `transfer_days` of that day,
-- that record is what was transferred in, and is not new; else the first service's record goes on there.
with referrals as (
    select
        referral_key,
        subject_key,
        coalesce(service_code, 'UNKNOWN') as service_code,
        received_on,
        rejected_on,
        declined_on,
        cancelled_on
    from {{ ref('int_referrals') }}
    where received_on is not null
),

statements as (
    select
        events.stream_id as referral_key,
        events.event_type,
        events.occurred_on,
        events.referral_transferred_to as transferred_to,
        coalesce(events.referral_stated_by, 'performer') = 'performer' as is_performers
    from {{ ref('stg_log__referral_events') }} as events
    where events.event_type in ('referral.closed', 'referral.reopened', 'referral.transferred')
),

-- Of its course the performer's statement counts, as in int_referrals.
by_whom as (
    select
        referral_key,
        event_type,
        bool_or(is_performers) as is_performers
    from statements
    group by referral_key, event_type
),

course as (
    select
        statements.referral_key,
        statements.event_type,
        statements.occurred_on,
        statements.transferred_to
    from statements
    inner join by_whom
        on
            statements.referral_key = by_whom.referral_key
            and statements.event_type = by_whom.event_type
            and statements.is_performers = by_whom.is_performers
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
        referral_key,
        received_on as moved_on,
        1 as move_rank,
        true as is_in,
        case when received.own_key is null then 'new' else 'transferred_in' end as move,
        service_code
    from referrals
    left join (
        select distinct own_key
        from handed_over
    ) as received on referrals.referral_key = received.own_key
    union all
    select
        referral_key,
        occurred_on as moved_on,
        2 as move_rank,
        false as is_in,
        'transferred_out' as move,
        cast(null as varchar) as service_code
    from handed_over
    union all
    select
        handed_over.referral_key,
        handed_over.occurred_on as moved_on,
        3 as move_rank,
        true as is_in,
        'transferred_in' as move,
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
    {%- for column in ['rejected_on', 'declined_on', 'cancelled_on'] %}
    select
        referral_key,
        {{ column }} as moved_on,
        4 as move_rank,
        false as is_in,
        'closed' as move,
        cast(null as varchar) as service_code
    from referrals
    where {{ column }} is not null
    union all
    {%- endfor %}
    select
        course.referral_key,
        course.occurred_on as moved_on,
        case course.event_type when 'referral.closed' then 4 else 5 end as move_rank,
        course.event_type = 'referral.reopened' as is_in,
        case course.event_type when 'referral.closed' then 'closed' else 'reopened' end as move,
        cast(null as varchar) as service_code
    from course
    inner join referrals on course.referral_key = referrals.referral_key
    where course.event_type in ('referral.closed', 'referral.reopened')
),

-- Nothing leaves a caseload before it came.
timed as (
    select
        moves.referral_key,
        greatest(moves.moved_on, referrals.received_on) as moved_on,
        moves.move_rank,
        moves.is_in,
        moves.move,
        moves.service_code
    from moves
    inner join referrals on moves.referral_key = referrals.referral_key
),

placed as (
    select
        *,
        count(service_code) over course_of_referral as services_so_far,
        lag(is_in) over course_of_referral as was_in
    from timed
    window course_of_referral as (partition by referral_key order by moved_on, move_rank, service_code)
),

changes as (
    select
        referral_key,
        moved_on,
        move_rank,
        is_in,
        move,
        max(service_code) over (partition by referral_key, services_so_far) as service_code
    from placed
    where was_in is null or was_in <> is_in
),

stays as (
    select
        *,
        row_number() over course_of_referral as change_number,
        lead(moved_on) over course_of_referral as left_on,
        lead(move) over course_of_referral as left_by
    from changes
    window course_of_referral as (partition by referral_key order by moved_on, move_rank, service_code)
)

select
    referral_key,
    cast((change_number + 1) / 2 as integer) as stay_number,
    service_code,
    moved_on as entered_on,
    move as entered_by,
    left_on,
    left_by
from stays
where is_in
