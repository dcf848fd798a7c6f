-- One row per mart, fact that changed since the earlier release, what became of it, and place of a referral it bears
-- on.
select
    mart,
    {{ id_text('fact_id') }} as fact_id,
    category,
    cause,
    {{ id_text('referral_key') }} as referral_id,
    period_start,
    practice_code,
    pcn_code,
    icb_code,
    is_anywhere
from {{ ref('int_restatement_causes') }}
