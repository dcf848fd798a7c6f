-- One row per person and unbroken stretch of days on which a GP contact of theirs would be seen: registered with a
-- practice whose appointments arrive, and on its list: a temporary resident has a practice elsewhere.
-- Ends at death, deregistration, the end of the practice's feed or the cut-off.
-- A move between two such practices without a gap does not end it.
with spells as (
    select
        registrations.subject_key,
        greatest(registrations.started_on, coverage.first_on) as first_on,
        least(coalesce(registrations.ended_on, coverage.last_on), coverage.last_on) as last_on
    from {{ ref('int_registrations') }} as registrations
    inner join {{ ref('int_practice_coverage') }} as coverage
        on registrations.practice_code = coverage.practice_code
    where {{ is_on_list() }}
),

alive as (
    select
        spells.subject_key,
        spells.first_on,
        least(spells.last_on, coalesce(deaths.died_on, spells.last_on)) as last_on
    from spells
    left join (
        select
            subject_key,
            min(ended_on) as died_on
        from {{ ref('int_registrations') }}
        where is_deceased
        group by subject_key
    ) as deaths
        on spells.subject_key = deaths.subject_key
),

reached as (
    select
        *,
        max(last_on) over (
            partition by subject_key
            order by first_on, last_on
            rows between unbounded preceding and 1 preceding
        ) as reached_on
    from alive
    where first_on <= last_on
),

numbered as (
    select
        *,
        sum(case when reached_on is null or first_on > {{ add_days('reached_on', 1) }} then 1 else 0 end) over (
            partition by subject_key
            order by first_on, last_on
            rows unbounded preceding
        ) as stretch
    from reached
)

select
    subject_key,
    stretch,
    min(first_on) as first_on,
    max(last_on) as last_on
from numbered
group by subject_key, stretch
