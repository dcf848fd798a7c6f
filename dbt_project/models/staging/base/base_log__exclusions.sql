-- One row per person of this build and kind of opt-out in force today: who is left out of every mart.
-- Who opted out is a question to today's log, with today's links; which facts are theirs, to the log as it stood.
{{ config(materialized='table') }}

with in_force as (
    {{ opt_outs(ref('base_log__permission_events'), ref('base_log__person_links_today'), 'permissions_cut_off') }}
),

then_known as (
    {{ opt_outs(ref('base_log__events'), ref('base_log__person_links'), 'cut_off') }}
),

pseudonyms_today as (
    select
        subject_key,
        person_key
    from {{ ref('base_log__person_links_today') }}
    union distinct
    select
        person_key as subject_key,
        person_key
    from {{ ref('base_log__person_links_today') }}
),

excluded as (
    select
        in_force.opt_out,
        coalesce(pseudonyms_today.subject_key, in_force.person_key) as subject_key
    from in_force
    left join pseudonyms_today on in_force.person_key = pseudonyms_today.person_key
),

people as (
    select distinct
        excluded.opt_out,
        coalesce(links.person_key, excluded.subject_key) as person_key
    from excluded
    left join {{ ref('base_log__person_links') }} as links on excluded.subject_key = links.subject_key
)

select
    people.person_key,
    people.opt_out,
    then_known.person_key is not null as was_in_force
from people
left join then_known
    on
        people.person_key = then_known.person_key
        and people.opt_out = then_known.opt_out
