-- One row per received referral and reason category, with the person and organisations as at the day of receipt.
-- The cube behind rpt_referral_reasons: record-level, for the restricted tier only.
select
    referrals.referral_id,
    reasons.reason_category,
    reasons.is_primary,
    reasons.codes,
    reasons.unmapped_codes,
    reasons.source_codes,
    reasons.source_terms,
    reasons.mapping_version,
    referrals.person_id,
    referrals.received_on,
    referrals.service_code,
    referrals.route,
    referrals.connector_model,
    {{ cut_columns('referrals') }}
from {{ ref('int_referral_reasons') }} as reasons
inner join {{ ref('fct_referrals') }} as referrals
    on {{ id_text('reasons.referral_key') }} = referrals.referral_id
