-- One row per fact about a person's part in a community activity: arranged, attended, missed, completed and so on.
with attributes as (
    {{ person_as_at(
        asked=ref('int_activity_facts'), keys=['activity_fact_key'], day='session_on', practice='stated_practice_code'
    ) }}
)

select
    {{ id_text('facts.activity_fact_key') }} as activity_fact_id,
    {{ id_text('facts.referral_key') }} as referral_id,
    {{ id_text('facts.subject_key') }} as person_id,
    facts.group_code,
    facts.session_on,
    facts.status,
    facts.asset_id,
    facts.source_category,
    facts.category,
    facts.mapping_version,
    facts.delivery,
    facts.role,
    facts.cancelled_by,
    facts.has_referral,
    facts.route,
    {{ cut_columns('attributes') }}
from {{ ref('int_activity_facts') }} as facts
inner join attributes on facts.activity_fact_key = attributes.activity_fact_key
