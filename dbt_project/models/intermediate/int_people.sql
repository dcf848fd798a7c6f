-- One row per person seen in any event, with the newest description of them.
-- When several practices describe a person, the practice of the latest registration is right; ties are broken by
-- content, never by arrival.
with registered as (
    select
        subject_key,
        practice_code,
        max(started_on) as started_on
    from {{ ref('int_registrations') }}
    group by subject_key, practice_code
),

deaths as (
    select
        subject_key,
        min(ended_on) as died_on
    from {{ ref('int_registrations') }}
    where is_deceased
    group by subject_key
),

ranked as (
    select
        described.*,
        row_number() over (
            partition by described.subject_key
            order by
                registered.started_on desc nulls last,
                described.occurred_on desc nulls last,
                described.fact_id asc
        ) as choice
    from {{ ref('stg_log__person_events') }} as described
    left join registered
        on
            described.subject_key = registered.subject_key
            and described.practice_code = registered.practice_code
    where described.event_type = 'person.described'
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
    ranked.subject_key is not null as is_described,
    ranked.practice_code as described_by_practice,
    ranked.person_birth_month as birth_month,
    coalesce(ranked.person_sex, 'not_known') as sex,
    coalesce(ranked.person_ethnic_category, '99') as ethnic_category,
    ranked.person_lsoa_code as lsoa_code,
    ranked.person_lsoa_vintage as lsoa_vintage,
    coalesce({{ list_length('ranked.person_long_term_conditions') }}, 0) as long_term_condition_count,
    deaths.died_on
from people
left join ranked
    on
        people.subject_key = ranked.subject_key
        and ranked.choice = 1
left join deaths on people.subject_key = deaths.subject_key
