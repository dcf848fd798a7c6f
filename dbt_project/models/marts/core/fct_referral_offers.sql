-- One row per statement of a practice about an offer of social prescribing: offered, accepted or declined.
select
    {{ id_text('offer_key') }} as offer_id,
    {{ id_text('episode_key') }} as episode_id,
    {{ id_text('subject_key') }} as person_id,
    coalesce(practice_code, 'UNKNOWN') as practice_code,
    source_system,
    stated_on,
    meaning,
    code,
    source_term,
    episode,
    is_repeat,
    episode_outcome
from {{ ref('int_referral_offers') }}
