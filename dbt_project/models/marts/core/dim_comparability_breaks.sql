-- One row per break in comparability and practice it concerns (ALL for every one).
select
    break_id,
    practice_code,
    break_on,
    last_on,
    kind,
    affects,
    title,
    source
from {{ ref('int_comparability_breaks') }}
