-- One row per figure of a measure: its score, an answer that is reported by itself, a value of its profile, a quantity.
select
    {{ id_text('results.measure_key') }} as measure_id,
    results.result,
    {{ id_text('measures.referral_key') }} as referral_id,
    {{ id_text('measures.subject_key') }} as person_id,
    measures.measured_on,
    results.instrument,
    measures.instrument_version,
    measures.cut_point_version,
    results.figure,
    results.band,
    results.higher_is_better,
    results.is_case,
    attributes.route,
    {{ cut_columns('attributes') }}
from {{ ref('int_measure_results') }} as results
inner join {{ ref('int_measures') }} as measures on results.measure_key = measures.measure_key
inner join {{ ref('int_measure_attributes') }} as attributes on measures.measure_key = attributes.measure_key
