-- One row per event of the log, in the newest shape of its type; the one model that reads log.events.
-- Every released catalogue version is read here and nowhere else: what an older one said in other words is upcast.
--   version 1 said of a cancelled appointment "practice", also where a network's hub cancelled: now "organisation".
-- An erased event is a stub without a fact and is left out. So is an event whose file was retracted, together with the
-- event that withdrew it.
with withdrawn as (
    select causation_id as event_id
    from {{ source('log', 'events') }}
    where origin = 'load_retracted' and causation_id is not null
)

select
    event_id,
    fact_id,
    category,
    stream_id,
    correlation_id,
    event_type,
    schema_version,
    revision_kind,
    case revision_kind
        when 'resolution' then 2
        when 'contest' then 1
        else 0
    end as kind_rank,
    occurred_at,
    occurred_on,
    occurred_precision,
    asserted_at,
    subject_key,
    identity_quality,
    practice_code,
    performer_code,
    provider_code,
    source_system,
    load_id,
    activity_asset_id,
    activity_category,
    activity_delivery,
    activity_role,
    activity_cancelled_by,
    appointment_hcp_type,
    appointment_staff_role,
    appointment_mode,
    appointment_national_category,
    appointment_context_type,
    appointment_service_setting,
    appointment_booked_at,
    appointment_slot_start,
    case
        when schema_version = 1 and appointment_cancelled_by = 'practice' then 'organisation'
        else appointment_cancelled_by
    end as appointment_cancelled_by,
    engagement_channel,
    engagement_minutes,
    engagement_outcome,
    engagement_link_worker_key,
    engagement_goal_status,
    engagement_asset_id,
    engagement_support_kind,
    need_domain,
    need_code,
    need_code_system,
    need_source_term,
    person_birth_month,
    person_sex,
    person_ethnic_category,
    person_lsoa_code,
    person_lsoa_vintage,
    person_long_term_conditions,
    person_merged_into,
    person_opt_out,
    referral_route,
    referral_referrer_role,
    referral_connector_model,
    referral_reasons,
    referral_decided_on,
    referral_link_worker_key,
    referral_reason,
    registration_end_reason
from {{ source('log', 'events') }}
where
    fact_id is not null
    and origin <> 'load_retracted'
    and event_id not in (select withdrawn.event_id from withdrawn)
