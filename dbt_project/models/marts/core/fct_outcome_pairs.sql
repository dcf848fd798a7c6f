-- One row per episode and figure of an instrument in use: its first and its last measure, or why there are not both.
-- Whether a measure may still come is judged by what the episode's own service has reported so far, and a missing one
-- is a state and never a missing row. An improvement is a change towards better, whichever way the scale runs.
with episodes as (
    {{ episodes() }}
),

members as (
    {{ referrals_of_episodes() }}
),

taken as (
    select
        members.episode_id,
        measures.instrument,
        min(measures.measured_on) as first_measured_on
    from {{ ref('fct_measures') }} as measures
    inner join {{ ref('int_measured_figures') }} as figures
        on
            measures.instrument = figures.instrument
            and measures.measured_on <= figures.cut_off
    inner join members on measures.referral_id = members.referral_id
    group by members.episode_id, measures.instrument
),

measured as (
    select
        episodes.episode_id,
        results.instrument,
        results.result,
        results.measured_on,
        results.measure_id,
        results.figure,
        results.band,
        coalesce(episodes.first_contact_held_on, taken.first_measured_on) as first_contact_on,
        episodes.ended_on
    from {{ ref('fct_measure_results') }} as results
    inner join {{ ref('int_measured_figures') }} as figures
        on
            results.instrument = figures.instrument
            and results.result = figures.result
            and results.measured_on <= figures.cut_off
    inner join members on results.referral_id = members.referral_id
    inner join episodes on members.episode_id = episodes.episode_id
    inner join taken
        on
            episodes.episode_id = taken.episode_id
            and results.instrument = taken.instrument
),

pairs as (
    {{ first_and_last('measured') }}
),

judged as (
    select
        episodes.*,
        figures.instrument,
        figures.result,
        figures.higher_is_better,
        figures.reliable_change,
        pairs.baseline_on,
        pairs.baseline_measure_id,
        pairs.baseline,
        pairs.baseline_band,
        pairs.last_one.measured_on as follow_up_on,
        pairs.last_one.measure_id as follow_up_measure_id,
        pairs.last_one.figure as follow_up,
        pairs.last_one.band as follow_up_band,
        cast(pairs.last_one.figure - pairs.baseline as decimal(18, 4)) as change,
        coverage.last_on as reported_until,
        case
            when pairs.last_one.measured_on is not null then 'paired'
            when
                pairs.baseline_on is not null
                and (
                    episodes.ended_on is not null
                    or coverage.last_on >= {{ add_days('pairs.baseline_on', var('follow_up_due_days')) }}
                )
                then 'follow_up_missing'
            when pairs.baseline_on is not null then 'follow_up_open'
            when pairs.episode_id is not null then 'measured_late'
            when taken.episode_id is not null then 'not_scored'
            when
                episodes.ended_on is not null
                or coverage.last_on > {{ add_days('episodes.first_contact_held_on', var('baseline_days')) }}
                then 'not_measured'
            else 'baseline_open'
        end as state
    from episodes
    cross join {{ ref('int_measured_figures') }} as figures
    left join taken
        on
            episodes.episode_id = taken.episode_id
            and figures.instrument = taken.instrument
    left join pairs
        on
            episodes.episode_id = pairs.episode_id
            and figures.instrument = pairs.instrument
            and figures.result = pairs.result
    left join {{ ref('int_engagement_coverage') }} as coverage on episodes.service_code = coverage.service_code
),

directed as (
    select
        *,
        case higher_is_better when true then change when false then cast(-change as decimal(18, 4)) end
            as improvement
    from judged
)

select
    *,
    {%- for figure, condition in outcome_figures().items() %}
    case when {{ condition }} then 1 else 0 end as {{ figure }},
    {%- endfor %}
    cast(change * change as decimal(28, 8)) as change_squared
from directed
