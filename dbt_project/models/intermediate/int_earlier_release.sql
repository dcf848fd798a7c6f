-- One row: the release that was current before what this build makes, with the day that counts as today; none where
-- there was none. Permissions that a rebuilt past did not have yet count as changed since, too.
select
    earlier.release_id,
    earlier.known_at,
    earlier.cut_off,
    pinned.cut_off as cut_off_now,
    earlier.mapping_version,
    earlier.removals_since,
    earlier.permissions_since + left_out.people_since as permissions_since,
    earlier.is_code_map_changed,
    earlier.is_reference_changed,
    earlier.is_code_changed
from {{ ref('stg_log__earlier_release') }} as earlier
cross join {{ ref('stg_log__pinned') }} as pinned
cross join (
    select coalesce(max(people_since), 0) as people_since
    from {{ ref('int_exclusions') }}
) as left_out
