-- One row per referral that other facts name and that has not arrived: what waits for it, and how long.
select
    {{ id_text('referral_key') }} as referral_id,
    categories,
    provider_code,
    providers,
    facts,
    first_occurred_on,
    first_asserted_on,
    age_days,
    case
        when age_days < 0 then 'ahead'
        when age_days < 7 then '0-6 days'
        when age_days < 28 then '7-27 days'
        when age_days < 91 then '28-90 days'
        else '91 days and more'
    end as age_band
from {{ ref('int_pending_references') }}
