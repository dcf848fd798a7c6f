-- One row per figure of a measure: its score, an answer that is reported by itself, a value of its profile, a quantity.
-- Each has the band it lies in, by the version of the cut points where there are several.
with figures as (
    select
        measure_key,
        instrument,
        cut_point_version,
        'score' as result,
        cast(score as decimal(18, 4)) as figure
    from {{ ref('int_measures') }}
    where score is not null
    union all
    select
        measures.measure_key,
        measures.instrument,
        measures.cut_point_version,
        results.result,
        cast(answers.answer as decimal(18, 4)) as figure
    from {{ ref('int_measures') }} as measures
    inner join {{ ref('int_measure_answers') }} as answers on measures.measure_key = answers.measure_key
    inner join {{ ref('instrument_results') }} as results
        on answers.instrument = results.instrument and answers.item = results.item
    where
        answers.answer is not null
        and (measures.is_valid or measures.remark = 'incomplete')
    union all
    select
        measures.measure_key,
        measures.instrument,
        measures.cut_point_version,
        'value_set:' || value_sets.value_set as result,
        cast(value_sets.value as decimal(18, 4)) as figure
    from {{ ref('int_measures') }} as measures
    inner join {{ ref('stg_reference__value_sets') }} as value_sets
        on measures.instrument = value_sets.instrument and measures.profile = value_sets.profile
    union all
    select
        measure_key,
        instrument,
        cut_point_version,
        'quantity' as result,
        cast(value as decimal(18, 4)) as figure
    from {{ ref('int_measures') }}
    where value is not null
)

select
    figures.measure_key,
    figures.instrument,
    figures.result,
    figures.figure,
    bands.band,
    results.higher_is_better,
    figures.figure >= results.case_from as is_case
from figures
left join {{ ref('instrument_results') }} as results
    on figures.instrument = results.instrument and figures.result = results.result
left join {{ ref('instrument_bands') }} as bands
    on
        figures.instrument = bands.instrument
        and figures.result = bands.result
        and (bands.cut_points is null or figures.cut_point_version = bands.cut_points)
        and figures.figure >= bands.lowest
        and (bands.below is null or figures.figure < bands.below)
