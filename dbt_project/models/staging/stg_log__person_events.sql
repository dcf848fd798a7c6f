-- One row per effective fact of category person: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('person', [
    'birth_month', 'sex', 'ethnic_category', 'lsoa_code', 'lsoa_vintage', 'long_term_conditions',
]) }}
