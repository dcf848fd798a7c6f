-- One row per time a practice was a core partner of a primary care network, its last day included; times may overlap.
select
    practice_code,
    pcn_code,
    pcn_name,
    joined_on,
    left_on
from {{ source('reference', 'pcn_memberships') }}
