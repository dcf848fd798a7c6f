-- One row per row of rpt_outcome_bands and row of fct_outcome_pairs of its period, area, group, figure and band: what
-- it adds.
with pairs as (
    select *
    from {{ ref('fct_outcome_pairs') }}
    where paired = 1
),

placed as (
    {{ band_rows('pairs') }}
)

select
    {{ reporting_keys() }},
    instrument,
    result,
    band,
    episode_id,
    person_id,
    at_baseline,
    at_follow_up
from placed
