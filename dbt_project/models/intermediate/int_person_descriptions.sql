-- One row per person and practice that describes them: what it says of them, and whether that is the newest of all.
-- Of several descriptions the practice of the latest registration gives the newest; ties are broken by content, never
-- by arrival. A practice that names no register for anybody does not state them: its people's conditions are unknown.
with registered as (
    select
        subject_key,
        practice_code,
        max(started_on) as started_on
    from {{ ref('int_registrations') }}
    where {{ is_on_list() }}
    group by subject_key, practice_code
),

described as (
    select
        facts.*,
        registered.started_on,
        row_number() over (
            partition by facts.subject_key, facts.practice_code
            order by facts.occurred_on desc nulls last, facts.fact_id asc
        ) as choice_of_practice,
        row_number() over (
            partition by facts.subject_key
            order by registered.started_on desc nulls last, facts.occurred_on desc nulls last, facts.fact_id asc
        ) as choice
    from {{ ref('stg_log__person_events') }} as facts
    left join registered
        on
            facts.subject_key = registered.subject_key
            and facts.practice_code = registered.practice_code
    where facts.event_type = 'person.described'
),

stating as (
    select distinct practice_code
    from described
    where {{ list_length('person_long_term_conditions') }} > 0
),

counted as (
    select
        described.*,
        case
            when stating.practice_code is not null or {{ list_length('described.person_long_term_conditions') }} > 0
                then coalesce({{ list_length('described.person_long_term_conditions') }}, 0)
        end as conditions,
        {{ mental_conditions('described.person_long_term_conditions') }} as mental_conditions
    from described
    left join stating on described.practice_code = stating.practice_code
    where described.choice_of_practice = 1
)

select
    subject_key,
    practice_code,
    choice = 1 as is_newest,
    person_birth_month as birth_month,
    person_sex as sex,
    person_ethnic_category as ethnic_category,
    person_lsoa_code as lsoa_code,
    person_lsoa_vintage as lsoa_vintage,
    cast(conditions as integer) as ltc_count,
    case
        when conditions is null then 'unknown'
        when conditions = 0 then 'none'
        when mental_conditions = 0 then 'physical'
        when mental_conditions = conditions then 'mental'
        else 'both'
    end as ltc_group
from counted
