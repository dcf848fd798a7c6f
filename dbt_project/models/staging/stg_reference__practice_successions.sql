-- One row per practice, the practice that took it over, and the first day it did.
select
    predecessor_code,
    successor_code,
    effective_on
from {{ source('reference', 'practice_successions') }}
where predecessor_code <> successor_code
