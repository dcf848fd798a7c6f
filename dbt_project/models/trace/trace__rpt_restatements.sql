-- One row per row of rpt_restatements and row of fct_restatement_causes that bears on its figure.
with causes as (
    {{ placed_causes() }}
)

select
    restated.mart,
    restated.item,
    restated.figure,
    restated.period_start,
    restated.area_level,
    restated.area_code,
    causes.fact_id,
    causes.cause,
    causes.referral_id,
    causes.practice_code,
    causes.pcn_code,
    causes.icb_code,
    causes.facts
from {{ ref('rpt_restatements') }} as restated
inner join causes
    on
        restated.mart = causes.mart
        and restated.period_start = causes.period_start
        and restated.area_level = causes.area_level
        and restated.area_code = coalesce(causes.area_code, restated.area_code)
