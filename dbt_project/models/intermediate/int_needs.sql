-- One row per social need on a problem list or from screening, with the category its code had on that day.
select
    events.fact_id as need_key,
    events.subject_key,
    events.practice_code,
    events.occurred_on as recorded_on,
    events.need_domain as source_domain,
    events.need_code as code,
    events.need_code_system as code_system,
    events.need_verification_status as verification_status,
    coalesce(mapping.category, 'uncoded') as category,
    mapping.mapping_version
from {{ ref('stg_log__need_events') }} as events
left join {{ ref('reason_categories') }} as mapping
    on
        events.need_code = mapping.code
        and events.occurred_on >= mapping.valid_from
        and events.occurred_on <= coalesce(mapping.valid_to, events.occurred_on)
