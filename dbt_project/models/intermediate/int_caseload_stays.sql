-- One row per stay of a received referral on a service's caseload: from the day it came to the day it left.
-- What ends a referral that has ended, or reopens one that is open, changes nothing.
with placed as (
    select
        *,
        count(service_code) over course_of_referral as services_so_far,
        lag(is_in) over course_of_referral as was_in
    from {{ ref('int_referral_moves') }}
    window
        course_of_referral as (partition by referral_key order by moved_on, move_rank, service_code nulls last, outcome)
),

changes as (
    select
        referral_key,
        moved_on,
        move_rank,
        is_in,
        move,
        outcome,
        max(service_code) over (partition by referral_key, services_so_far) as service_code
    from placed
    where was_in is null or was_in <> is_in
),

stays as (
    select
        *,
        row_number() over course_of_referral as change_number,
        lead(moved_on) over course_of_referral as left_on,
        lead(move) over course_of_referral as left_by,
        lead(outcome) over course_of_referral as left_as
    from changes
    window course_of_referral as (partition by referral_key order by moved_on, move_rank)
)

select
    referral_key,
    cast((change_number + 1) / 2 as integer) as stay_number,
    service_code,
    moved_on as entered_on,
    move as entered_by,
    left_on,
    left_by,
    left_as as outcome
from stays
where is_in
