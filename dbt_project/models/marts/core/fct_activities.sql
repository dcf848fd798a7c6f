-- One row per fact about a person's part in a community activity: arranged, attended, missed, completed and so on.
select
    {{ id_text('activity_fact_key') }} as activity_fact_id,
    {{ id_text('referral_key') }} as referral_id,
    {{ id_text('subject_key') }} as person_id,
    group_code,
    session_on,
    status,
    asset_id,
    source_category,
    category,
    mapping_version,
    delivery,
    role,
    cancelled_by,
    has_referral
from {{ ref('int_activity_facts') }}
