-- One row per answer to an item of an outcome measure: where it stands, and whether the instrument has such an answer.
-- A place that was left empty has a row without an answer.
with measures as (
    select
        events.fact_id as measure_key,
        instruments.instrument,
        events.engagement_items as items
    from {{ ref('stg_log__engagement_events') }} as events
    left join {{ ref('instruments') }} as instruments
        on lower(events.engagement_instrument) = lower(instruments.instrument)
    where events.event_type = 'measure.recorded'
),

answers as (
    {{ unnest_with_position('measures', ['measure_key', 'instrument'], 'items', 'answer') }}
)

select
    answers.measure_key,
    answers.instrument,
    answers.position as item,
    answers.answer,
    coalesce(items.is_needed, false) as is_needed,
    -- An instrument whose items are not described has no limits.
    items.item is null or answers.answer between items.lowest and items.highest as is_possible
from answers
left join {{ ref('instrument_items') }} as items
    on answers.instrument = items.instrument and answers.position = items.item
