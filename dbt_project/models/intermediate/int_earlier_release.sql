-- One row: the release that was current before what this build makes, with the day that counts as today; none where
-- there was none.
select
    earlier.*,
    pinned.cut_off as cut_off_now
from {{ ref('stg_log__earlier_release') }} as earlier
cross join {{ ref('stg_log__pinned') }} as pinned
