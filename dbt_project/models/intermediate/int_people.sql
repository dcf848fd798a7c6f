-- One row per person seen in any event, with the newest description of them.
-- For what is known of them on a day, see int_person_periods.
-- Of a death in a month or year, died_on is the first day on which it can have been, died_by the last.
with dated as (
    select
        registrations.subject_key,
        registrations.ended_on,
        coalesce(inexact.last_on, registrations.ended_on) as ended_by
    from {{ ref('int_registrations') }} as registrations
    left join {{ ref('int_inexact_days') }} as inexact
        on
            registrations.subject_key = inexact.about_key
            and registrations.ended_on = inexact.occurred_on
            and inexact.event_type = 'registration.ended'
    where registrations.is_deceased
),

deaths as (
    select
        subject_key,
        min(ended_on) as died_on,
        min(ended_by) as died_by
    from dated
    group by subject_key
),

seen as (
    {% for model in ['person', 'registration', 'appointment', 'need', 'referral', 'engagement', 'activity'] -%}
    select
        subject_key,
        identity_quality
    from {{ ref('stg_log__' ~ model ~ '_events') }}
    where subject_key is not null
    group by subject_key, identity_quality
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

people as (
    select
        subject_key,
        -- A person that several pseudonyms stand for is known by number if one of them is.
        max(identity_quality) as identity_quality
    from seen
    group by subject_key
)

select
    people.subject_key,
    people.identity_quality,
    described.subject_key is not null as is_described,
    described.practice_code as described_by_practice,
    described.birth_month,
    coalesce(described.sex, 'not_known') as sex,
    coalesce(described.ethnic_category, '99') as ethnic_category,
    described.lsoa_code,
    described.lsoa_vintage,
    described.ltc_count,
    coalesce(described.ltc_group, 'unknown') as ltc_group,
    deaths.died_on,
    deaths.died_by
from people
left join {{ ref('int_person_descriptions') }} as described
    on
        people.subject_key = described.subject_key
        and described.is_newest
left join deaths on people.subject_key = deaths.subject_key
