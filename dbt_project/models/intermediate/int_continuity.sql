-- One row per referral with contacts held by named link workers: how many, and how many by the one who held the most.
select
    referral_key,
    cast(sum(contacts) as integer) as contacts,
    cast(max(contacts) as integer) as contacts_same_worker
from (
    select
        referral_key,
        link_worker_key,
        count(*) as contacts
    from {{ ref('int_contacts') }}
    where
        status = 'held'
        and referral_key is not null
        and link_worker_key is not null
    group by referral_key, link_worker_key
) as by_worker
group by referral_key
