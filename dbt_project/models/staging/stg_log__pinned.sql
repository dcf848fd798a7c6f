-- One row: the position this build reads up to, and the day that counts as today.
select
    position,
    known_at,
    cut_off
from {{ source('log', 'pinned') }}
