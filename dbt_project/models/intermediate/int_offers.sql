-- One row per offer of social prescribing at a practice up to the cut-off: an episode of statements about one person.
select
    statements.episode_key,
    max(statements.subject_key) as subject_key,
    max(case when statements.offer_key = statements.episode_key then statements.practice_code end)
        as stated_practice_code,
    max(case when statements.offer_key = statements.episode_key then statements.source_system end) as source_system,
    min(statements.stated_on) as offered_on,
    max(statements.episode_outcome) as outcome,
    count(*) as statements
from {{ ref('int_referral_offers') }} as statements
inner join {{ ref('stg_log__pinned') }} as pinned on statements.stated_on <= pinned.cut_off
group by statements.episode_key
