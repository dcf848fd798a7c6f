-- One row per record of a received referral, as one sender keeps it: the referral it stands for, and how that is known.
-- The rules are those of base_log__referral_links, which every fact goes through.
select
    records.record_key,
    coalesce(links.referral_key, records.record_key) as referral_key,
    records.role,
    case
        when links.basis is not null then links.basis
        when records.role = 'both' then 'same_record'
        else 'none'
    end as basis,
    records.service_code,
    records.received_on
from {{ ref('base_log__referral_records') }} as records
left join {{ ref('base_log__referral_links') }} as links on records.record_key = links.record_key
