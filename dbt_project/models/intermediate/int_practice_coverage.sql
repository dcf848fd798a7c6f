-- One row per practice: the first and last day its appointment feed says something about.
-- Days outside were never observed: no contact on them is not the absence of one. Taken from the days of the slots,
-- not from the times of the extracts, so that the order of delivery does not matter.
select
    events.practice_code,
    min(events.occurred_on) as first_on,
    max(events.occurred_on) as last_on
from {{ ref('stg_log__appointment_events') }} as events
cross join {{ ref('stg_log__pinned') }} as pinned
where
    events.event_type <> 'appointment.booked'
    and events.occurred_on <= pinned.cut_off
    and events.practice_code is not null
group by events.practice_code
