-- One row per effective fact of category person that describes one: links and opt-outs are folded before (base models).
{{ config(materialized='table') }}

with facts as (
    {{ effective_facts('person', [
        'birth_month', 'sex', 'ethnic_category', 'lsoa_code', 'lsoa_vintage', 'long_term_conditions',
    ]) }}
)

select *
from facts
where event_type = 'person.described'
