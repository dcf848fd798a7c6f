-- One row per practice and unbroken run of months whose appointments tell which are contacts: its first and last day.
-- Days outside were never observed: no contact on them is not the absence of one. Taken from the days of the slots,
-- not from the times of the extracts, so that the order of delivery does not matter.
-- A month in which too few of the attended slots say what they were would show few contacts or none: it does not count.
with told as (
    select
        appointments.practice_code,
        appointments.slot_on,
        {{ period_start('month', 'appointments.slot_on') }} as month_start,
        appointments.contact_class
    from {{ ref('int_appointments') }} as appointments
    cross join {{ ref('stg_log__pinned') }} as pinned
    where
        appointments.status <> 'booked'
        and appointments.slot_on <= pinned.cut_off
        and appointments.practice_code is not null
),

months as (
    select
        practice_code,
        month_start,
        min(slot_on) as first_on,
        max(slot_on) as last_on,
        count(case when {{ is_classified_slot() }} then 1 end) as classified,
        count(case when {{ is_unclassified_slot() }} then 1 end) as unclassified
    from told
    group by practice_code, month_start
),

judged as (
    select
        *,
        classified >= {{ var('classified_share') }} * (classified + unclassified) as is_observed
    from months
),

runs as (
    select
        *,
        sum(case when is_observed then 0 else 1 end) over (
            partition by practice_code
            order by month_start
            rows unbounded preceding
        ) as run
    from judged
)

select
    practice_code,
    run,
    min(first_on) as first_on,
    max(last_on) as last_on
from runs
where is_observed
group by practice_code, run
having sum(classified) > 0
