-- One row per service: the first and last day its feeds say something about.
-- What a referral came to is known up to the last day only. Taken from the days of what the service states, not from
-- the times of its extracts, so that the order of delivery does not matter. What names no service is taken as one.
with facts as (
    select
        provider_code,
        occurred_on
    from {{ ref('stg_log__referral_events') }}
    where
        event_type not in ({{ offer_events() }})
        and coalesce(referral_stated_by, 'performer') = 'performer'
    union all
    select
        provider_code,
        occurred_on
    from {{ ref('stg_log__engagement_events') }}
)

select
    coalesce(facts.provider_code, 'UNKNOWN') as service_code,
    min(facts.occurred_on) as first_on,
    max(facts.occurred_on) as last_on
from facts
cross join {{ ref('stg_log__pinned') }} as pinned
where facts.occurred_on <= pinned.cut_off
group by coalesce(facts.provider_code, 'UNKNOWN')
