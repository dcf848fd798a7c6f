-- One row per received referral: its milestones, its state, its first steps of engagement and activity, and the
-- person and organisations as they were on the day of receipt.
-- Of a receipt in a month or year, the first day places it; followed it is as from the last.
{%- set received_by = 'coalesce(inexact.last_on, referrals.received_on)' %}
with referrals as (
    select *
    from {{ ref('int_referrals') }}
    where received_on is not null
),

links as (
    select
        referral_key,
        max(basis) as basis
    from {{ ref('int_referral_links') }}
    group by referral_key
),

reasons as (
    select
        referral_key,
        max(case when is_primary then reason_category end) as primary_category,
        sum(case when source_codes is null then 0 else codes end) as stated,
        sum(case when reason_category = 'uncoded' then 0 else codes end) as coded
    from {{ ref('int_referral_reasons') }}
    group by referral_key
)

select
    {{ id_text('referrals.referral_key') }} as referral_id,
    {{ id_text('referrals.subject_key') }} as person_id,
    attributes.organisation_key,
    attributes.practice_code,
    attributes.pcn_code,
    attributes.icb_code,
    attributes.practice_basis,
    attributes.practice_match,
    attributes.description_basis,
    referrals.service_code,
    coalesce(referrals.route, 'unknown') as route,
    referrals.referrer_role,
    coalesce(referrals.connector_model, 'unknown') as connector_model,
    coalesce(links.basis, 'none') as link_basis,
    coalesce(nullif(referrals.source_system, ''), 'unknown') as supplier_code,
    coalesce(reasons.primary_category, 'uncoded') as primary_reason_category,
    coalesce(cast(reasons.stated as bigint), 0) as reasons_stated,
    coalesce(cast(reasons.coded as bigint), 0) as reasons_coded,
    referrals.decided_on,
    referrals.received_on,
    inexact.about_key is null as is_received_dated,
    referrals.accepted_on,
    referrals.rejected_on,
    referrals.rejection_reason,
    referrals.declined_on,
    referrals.decline_reason,
    referrals.on_hold_on,
    referrals.hold_ended_on,
    referrals.is_hold_dated,
    case
        when referrals.is_hold_dated
            then cast({{ days_between('referrals.held_on', 'referrals.hold_ended_on') }} as integer)
    end as days_on_hold,
    referrals.cancelled_on,
    referrals.cancelled_by,
    referrals.closed_on,
    referrals.closure_reason,
    referrals.reopened_on,
    referrals.ended_on,
    referrals.enrolment_outcome,
    referrals.state,
    referrals.ended_on is not null as is_ended,
    engagement.first_contact_attempted_on,
    engagement.first_contact_held_on,
    coalesce(engagement.contacts_attempted, 0) as contacts_attempted,
    coalesce(engagement.contacts_held, 0) as contacts_held,
    engagement.plan_agreed_on,
    least(engagement.first_signpost_on, activity.first_arranged_on, activity.first_attended_on) as first_onward_on,
    activity.first_attended_on as first_activity_attended_on,
    coalesce(activity.sessions_attended, 0) as sessions_attended,
    activity.completed_on as activity_completed_on,
    indexed.referral_sequence,
    episodes.episode,
    episodes.episode_sequence,
    case
        when people.died_by >= referrals.received_on then greatest(people.died_on, referrals.received_on)
    end as died_on,
    coverage.last_on as followed_to,
    coalesce(
        coverage.last_on >= {{ add_days(received_by, var('uptake_follow_up_days')) }}, false
    ) as is_followed,
    referrals.ended_on is null
    and coalesce(
        coverage.last_on >= {{ add_days(received_by, var('uptake_lapse_days')) }}, false
    ) as is_lapsed,
    attributes.sex,
    attributes.age as age_at_referral,
    attributes.age_band,
    attributes.ethnic_category,
    attributes.ethnic_group,
    attributes.imd_version,
    attributes.imd_decile,
    attributes.imd_quintile,
    attributes.ltc_count,
    attributes.ltc_group,
    attributes.ltc_count_band
from referrals
inner join {{ ref('int_referral_attributes') }} as attributes on referrals.referral_key = attributes.referral_key
inner join {{ ref('int_reattendance_index') }} as indexed on referrals.referral_key = indexed.referral_key
inner join {{ ref('int_referral_episodes') }} as episodes on referrals.referral_key = episodes.referral_key
left join {{ ref('int_people') }} as people on referrals.subject_key = people.subject_key
left join {{ ref('int_service_coverage') }} as coverage
    on coalesce(referrals.service_code, 'UNKNOWN') = coverage.service_code
left join links on referrals.referral_key = links.referral_key
left join reasons on referrals.referral_key = reasons.referral_key
left join {{ ref('int_engagement') }} as engagement on referrals.referral_key = engagement.referral_key
left join {{ ref('int_activity') }} as activity on referrals.referral_key = activity.referral_key
left join {{ ref('int_inexact_days') }} as inexact
    on
        referrals.referral_key = inexact.about_key
        and referrals.received_on = inexact.occurred_on
        and inexact.event_type = 'referral.received'
