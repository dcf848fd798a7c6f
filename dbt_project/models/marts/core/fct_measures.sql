-- One row per outcome measure or quantity taken: what its source sent, and the score or value that follows from it.
select
    {{ id_text('measures.measure_key') }} as measure_id,
    {{ id_text('measures.referral_key') }} as referral_id,
    {{ id_text('measures.subject_key') }} as person_id,
    measures.service_code,
    measures.measured_on,
    measures.instrument,
    measures.instrument_version,
    measures.cut_point_version,
    measures.items,
    measures.answers,
    measures.item_count,
    measures.profile,
    measures.score_sent,
    measures.raw_score,
    measures.score,
    measures.score_basis,
    results.band,
    results.is_case,
    measures.value_sent,
    measures.unit_sent,
    measures.value,
    measures.unit,
    measures.is_valid,
    measures.remark,
    attributes.route,
    {{ cut_columns('attributes') }}
from {{ ref('int_measures') }} as measures
inner join {{ ref('int_measure_attributes') }} as attributes on measures.measure_key = attributes.measure_key
left join {{ ref('int_measure_results') }} as results
    on measures.measure_key = results.measure_key and results.result = 'score'
