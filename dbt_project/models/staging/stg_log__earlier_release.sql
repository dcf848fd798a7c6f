-- One row: the release that was current before what this build makes; none where there was none.
select
    release_id,
    known_at,
    cut_off,
    mapping_version,
    removals_since,
    permissions_since,
    is_code_map_changed,
    is_reference_changed,
    is_code_changed
from {{ source('log', 'earlier_release') }}
