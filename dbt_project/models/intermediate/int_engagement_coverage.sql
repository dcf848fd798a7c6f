-- One row per service: the last day, up to the cut-off, that it says something about its work with people.
-- What it has not reported by then may still come. Taken from the days of the events, not from the times of the
-- extracts, so that the order of delivery does not matter.
select
    events.provider_code as service_code,
    max(events.occurred_on) as last_on
from {{ ref('stg_log__engagement_events') }} as events
inner join {{ ref('stg_log__pinned') }} as pinned on events.occurred_on <= pinned.cut_off
where events.provider_code is not null
group by events.provider_code
