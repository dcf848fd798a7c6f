-- One row per received referral and community asset that it led to: by a signpost, an arrangement or an attendance.
select
    referrals.referral_id,
    assets.asset_id,
    assets.first_used_on
from {{ ref('int_referral_assets') }} as assets
inner join {{ ref('fct_referrals') }} as referrals
    on referrals.referral_id = {{ id_text('assets.referral_key') }}
