-- One row per primary care network.
select
    pcn_code,
    pcn_name,
    sub_icb_code,
    opened_on,
    closed_on
from {{ source('reference', 'pcns') }}
