-- One row: the position this build reads up to, the day that counts as today, and those of the permissions it applies.
select
    position,
    known_at,
    cut_off,
    permissions_as_of,
    permissions_cut_off
from {{ source('log', 'pinned') }}
