-- One row per record of a referral that another sender may report too: the referral it stands for.
-- (1) A requester's and a performer's record with one shared reference, unless they are about two people who are both
-- known by number; else (2) about one person and service, received within `referral_link_days`, unless their references
-- differ. Only where each has no other: sets in which one record could belong to several stay apart, as ambiguous.
-- A linked referral goes by its performer's record, which is the one that other facts name.
{{ config(materialized='table') }}

with requesters as (
    select * from {{ ref('base_log__referral_records') }}
    where role = 'requester'
),

performers as (
    select * from {{ ref('base_log__referral_records') }}
    where role = 'performer'
),

by_reference as (
    select
        requesters.record_key as requester_key,
        performers.record_key as performer_key,
        'shared_reference' as basis
    from requesters
    inner join performers on requesters.shared_reference = performers.shared_reference
    where
        requesters.subject_key is null
        or performers.subject_key is null
        or requesters.subject_key = performers.subject_key
        or requesters.identity_quality = 'local'
        or performers.identity_quality = 'local'
),

referenced as (
    select requester_key as record_key
    from by_reference
    union distinct
    select performer_key as record_key
    from by_reference
),

by_person as (
    select
        requesters.record_key as requester_key,
        performers.record_key as performer_key,
        'person_service_day' as basis
    from requesters
    inner join performers
        on
            requesters.subject_key = performers.subject_key
            and requesters.service_code = performers.service_code
            and abs({{ days_between('requesters.received_on', 'performers.received_on') }})
            <= {{ var('referral_link_days') }}
    where
        coalesce(requesters.shared_reference = performers.shared_reference, true)
        and requesters.record_key not in (select record_key from referenced)
        and performers.record_key not in (select record_key from referenced)
),

candidates as (
    select * from by_reference
    union all
    select * from by_person
),

counted as (
    select
        *,
        count(*) over (partition by requester_key) as of_requester,
        count(*) over (partition by performer_key) as of_performer
    from candidates
),

sets as (
    select
        requester_key,
        performer_key,
        basis,
        of_requester = 1 and of_performer = 1 as is_certain
    from counted
)

select
    requester_key as record_key,
    max(case when is_certain then performer_key else requester_key end) as referral_key,
    max(case when is_certain then 'requester' end) as stated_by,
    max(case when is_certain then basis else 'ambiguous' end) as basis
from sets
group by requester_key
union all
select
    performer_key as record_key,
    performer_key as referral_key,
    max(case when is_certain then 'performer' end) as stated_by,
    max(case when is_certain then basis else 'ambiguous' end) as basis
from sets
group by performer_key
