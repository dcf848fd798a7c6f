-- One row per event about a link or an opt-out, of the whole log: also of what came after the day this build is for.
-- Permissions are always today's, whatever day a build is for.
select
    event_id,
    fact_id,
    event_type,
    revision_kind,
    {{ kind_rank('revision_kind') }} as kind_rank,
    occurred_on,
    asserted_at,
    subject_key,
    person_merged_into,
    person_opt_out
from {{ source('log', 'permissions') }}
where {{ is_standing(source('log', 'permissions')) }}
