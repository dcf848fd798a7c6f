-- One row: the release that was current before what this build makes, and what else differs since; none for the first.
select
    release_id,
    known_at,
    cut_off,
    cut_off_now,
    mapping_version,
    removals_since,
    permissions_since,
    is_code_map_changed,
    is_reference_changed,
    is_code_changed
from {{ ref('int_earlier_release') }}
