-- One row per registration: the days a person was registered with a practice, the last day included.
-- A temporary resident, or who is registered in another way, is on no list (macro is_on_list): such a registration is
-- kept and counted, and makes nobody one of a practice's registered people.
-- A registration without a start has no days and is left out; an end before the start gives no day either.
with facts as (
    select * from {{ ref('stg_log__registration_events') }}
),

folded as (
    select
        stream_id as registration_key,
        max(subject_key) as subject_key,
        max(case when event_type = 'registration.started' then practice_code end) as practice_code,
        max(case when event_type = 'registration.started' then occurred_on end) as started_on,
        max(case when event_type = 'registration.started' then registration_type end) as registration_type,
        max(case when event_type = 'registration.ended' then occurred_on end) as ended_on,
        max(case when event_type = 'registration.ended' then registration_end_reason end) as end_reason
    from facts
    group by stream_id
)

select
    registration_key,
    subject_key,
    practice_code,
    coalesce(registration_type, 'registered') as registration_type,
    started_on,
    ended_on,
    end_reason,
    coalesce(end_reason = 'deceased', false) as is_deceased
from folded
where
    started_on is not null
    and (ended_on is null or ended_on >= started_on)
