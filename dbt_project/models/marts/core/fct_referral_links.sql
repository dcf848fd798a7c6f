-- One row per record of a received referral, as one sender keeps it: the referral it stands for, and how that is known.
select
    {{ id_text('record_key') }} as record_id,
    {{ id_text('referral_key') }} as referral_id,
    role,
    basis,
    service_code,
    received_on
from {{ ref('int_referral_links') }}
