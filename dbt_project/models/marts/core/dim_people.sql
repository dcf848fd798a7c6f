-- One row per person seen in any event, with the newest description of them; pseudonymous.
select
    {{ id_text('subject_key') }} as person_id,
    identity_quality,
    is_described,
    described_by_practice,
    birth_month,
    sex,
    ethnic_category,
    lsoa_code,
    lsoa_vintage,
    cast(long_term_condition_count as integer) as long_term_condition_count,
    died_on
from {{ ref('int_people') }}
