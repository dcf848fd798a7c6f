-- One row per figure of an instrument that was ever used: its score, or an answer that is reported by itself.
-- The cut-off stands beside each, because a measure dated after it is to come.
select
    figures.instrument,
    figures.result,
    figures.higher_is_better,
    figures.reliable_change,
    pinned.cut_off
from (
    select
        known.instrument,
        known.result,
        known.higher_is_better,
        known.reliable_change
    from {{ ref('int_measures') }} as measures
    inner join {{ ref('instrument_results') }} as known on measures.instrument = known.instrument
    union distinct
    select
        results.instrument,
        results.result,
        cast(null as boolean) as higher_is_better,
        cast(null as decimal(9, 3)) as reliable_change
    from {{ ref('int_measure_results') }} as results
    left join {{ ref('instrument_results') }} as known
        on
            results.instrument = known.instrument
            and results.result = known.result
    where known.instrument is null
) as figures
cross join {{ ref('stg_log__pinned') }} as pinned
