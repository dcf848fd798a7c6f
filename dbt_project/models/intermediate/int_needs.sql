-- One row per social need on a problem list or from screening, with the category its code had on that day.
select
    events.fact_id as need_key,
    events.subject_key,
    events.practice_code,
    events.provider_code,
    coalesce(events.source_system, '') as source_system,
    events.occurred_on as recorded_on,
    events.need_domain as source_domain,
    events.need_code as code,
    events.need_code_system as code_system,
    events.need_source_term as source_term,
    events.need_verification_status as verification_status,
    codes.term,
    coalesce(codes.category, 'uncoded') as category,
    codes.mapping_version,
    codes.fault,
    coalesce(codes.is_mapped, false) as is_mapped
from {{ ref('stg_log__need_events') }} as events
left join {{ ref('int_codes') }} as codes
    on
        events.need_code = codes.code
        and codes.code_use = 'need'
        and coalesce(events.need_code_system, '') = codes.code_system
        and coalesce(events.source_system, '') = codes.source_system
        and events.occurred_on = codes.coded_on
