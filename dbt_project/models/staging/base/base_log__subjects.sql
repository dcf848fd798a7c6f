-- One row per pseudonym that links or opt-outs speak of: the person it stands for, and whether that person is left out.
-- Any other pseudonym stands for a person of its own. Here, once, for every model.
{{ config(materialized='table') }}

with excluded as (
    select distinct person_key
    from {{ ref('base_log__exclusions') }}
),

known as (
    select
        subject_key,
        person_key
    from {{ ref('base_log__person_links') }}
    union distinct
    select
        person_key as subject_key,
        person_key
    from {{ ref('base_log__person_links') }}
    union distinct
    select
        person_key as subject_key,
        person_key
    from excluded
)

select
    known.subject_key,
    known.person_key,
    excluded.person_key is not null as is_excluded
from known
left join excluded on known.person_key = excluded.person_key
