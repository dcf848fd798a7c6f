-- One row per outcome measure or quantity taken: what its source sent, and the score or value that follows from it.
-- Answers make the score where they are sent; a score without answers is kept as sent. What is incomplete has none.
with answered as (
    select
        measure_key,
        {{ joined_in_order("coalesce(cast(answer as string), '')", ',', 'item') }} as items,
        {{ joined_in_order('cast(answer as string)', '', 'item') }} as profile,
        count(answer) as answers,
        count(case when is_needed then answer end) as needed_answers,
        max(case when answer is not null then item end) as last_item,
        count(case when not is_possible then answer end) as impossible_answers,
        cast(sum(answer) as integer) as total
    from {{ ref('int_measure_answers') }}
    group by measure_key
),

needed as (
    select
        instrument,
        count(case when is_needed then 1 end) as needed_answers
    from {{ ref('instrument_items') }}
    group by instrument
),

taken as (
    select
        events.fact_id as measure_key,
        events.correlation_id as referral_key,
        events.subject_key,
        events.provider_code as service_code,
        events.practice_code as stated_practice_code,
        events.occurred_on as measured_on,
        events.engagement_instrument as sent_instrument,
        events.engagement_instrument_version as instrument_version,
        events.engagement_cut_point_version as cut_point_version,
        answered.items,
        coalesce(answered.answers, 0) as answers,
        events.engagement_score as score_sent,
        events.engagement_value as value_sent,
        events.engagement_unit as unit_sent,
        instruments.instrument,
        instruments.kind,
        instruments.item_count,
        instruments.scoring,
        instruments.score_lowest,
        instruments.score_highest,
        instruments.score_is_whole,
        instruments.value_lowest,
        instruments.value_highest,
        instruments.unit,
        case when instruments.has_profile then answered.profile end as profile,
        case when instruments.scoring in ('sum', 'table') then answered.total end as total,
        coalesce(answered.last_item > instruments.item_count or answered.impossible_answers > 0, false)
            as has_impossible_answers,
        coalesce(answered.needed_answers < needed.needed_answers, false) as has_gaps,
        cast(round(events.engagement_value * units.factor + units.addend, 3) as decimal(18, 3)) as converted,
        -- A score without answers is a sum; one that is no whole number can only be what the table makes of a sum.
        as_sent.raw_score as raw_of_sent
    from {{ ref('stg_log__engagement_events') }} as events
    left join {{ ref('instruments') }} as instruments
        on lower(events.engagement_instrument) = lower(instruments.instrument)
    left join answered on events.fact_id = answered.measure_key
    left join needed on instruments.instrument = needed.instrument
    left join {{ ref('instrument_units') }} as units
        on instruments.instrument = units.instrument and events.engagement_unit = units.unit
    left join {{ ref('instrument_scores') }} as as_sent
        on
            instruments.instrument = as_sent.instrument
            and events.engagement_score = as_sent.score
            and events.engagement_score <> floor(events.engagement_score)
    where events.event_type = 'measure.recorded'
),

judged as (
    select
        *,
        case
            when instrument is null then 'unknown_instrument'
            when kind = 'quantity' and value_sent is null then 'empty'
            when kind = 'quantity' and converted is null then 'unknown_unit'
            when kind = 'quantity' and not converted between value_lowest and value_highest then 'not_plausible'
            when kind = 'quantity' then null
            when answers = 0 and score_sent is null then 'empty'
            when has_impossible_answers then 'out_of_range'
            when scoring <> 'none' and not score_sent between score_lowest and score_highest then 'out_of_range'
            when answers > 0 and has_gaps then 'incomplete'
            when
                score_is_whole and answers = 0 and raw_of_sent is null and score_sent <> floor(score_sent)
                then 'no_such_score'
        end as fault
    from taken
),

raw_scores as (
    select
        *,
        case
            when fault is not null then null
            when total is not null then cast(total as decimal(9, 3))
            when scoring = 'table' then coalesce(cast(raw_of_sent as decimal(9, 3)), score_sent)
            when scoring <> 'none' then score_sent
        end as raw_score
    from judged
),

-- Instruments whose bands come in versions of their cut points, and each of these.
versions as (
    select distinct
        instrument,
        cut_points
    from {{ ref('instrument_bands') }}
    where cut_points is not null
),

scored as (
    select
        raw_scores.*,
        raw_scores.instrument in (select instrument from versions) and stated.cut_points is null as lacks_cut_points,
        case
            when raw_scores.scoring = 'table' then cast(scores.score as decimal(9, 3))
            else raw_scores.raw_score
        end as score
    from raw_scores
    left join {{ ref('instrument_scores') }} as scores
        on raw_scores.instrument = scores.instrument and raw_scores.raw_score = scores.raw_score
    left join versions as stated
        on raw_scores.instrument = stated.instrument and raw_scores.cut_point_version = stated.cut_points
)

select
    scored.measure_key,
    scored.referral_key,
    scored.subject_key,
    scored.service_code,
    scored.stated_practice_code,
    scored.measured_on,
    coalesce(scored.instrument, scored.sent_instrument) as instrument,
    scored.instrument_version,
    scored.cut_point_version,
    scored.items,
    scored.answers,
    scored.item_count,
    scored.score_sent,
    scored.raw_score,
    scored.score,
    scored.value_sent,
    scored.unit_sent,
    case
        when scored.score is null then null
        when scored.total is not null then 'items'
        else 'sent'
    end as score_basis,
    case when scored.fault is null then scored.profile end as profile,
    case when scored.kind = 'quantity' and scored.fault is null then scored.converted end as value,
    case when scored.kind = 'quantity' and scored.fault is null then scored.unit end as unit,
    scored.fault is null as is_valid,
    coalesce(
        scored.fault,
        case
            when scored.scoring = 'none' and scored.score_sent is not null then 'no_total'
            when
                scored.total is not null and scored.score_sent not in (scored.raw_score, scored.score)
                then 'score_disagrees'
            when scored.lacks_cut_points then 'cut_points_unknown'
        end
    ) as remark
from scored
