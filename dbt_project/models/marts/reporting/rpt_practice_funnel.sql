-- One row per quarter or year and practice: people referred per 1,000 registered, beside the limits of a funnel at 95
-- and 99.8 % around the rate of its board. A practice outside differs by more than chance and the spread of practices
-- make likely; whether that is good or bad it does not say.
with units as (
    {{ funnel_units() }}
),

compared as (
    {{ funnel(
        'units', ['period_type', 'period_start', 'icb_code', 'is_compared'], 'people_registered', 'person_quarters'
    ) }}
),

scaled as (
    select
        *,
        case when is_compared then 1000.0 * census_days / person_quarters end as scale
    from compared
),

limited as (
    select
        *,
        scale * {{ funnel_limit('expected', 'inflation', 'lower', 0.975) }} as lower_95,
        scale * ({{ funnel_limit('expected', 'inflation', 'upper', 0.975) }}) as upper_95,
        scale * {{ funnel_limit('expected', 'inflation', 'lower', 0.999) }} as lower_998,
        scale * ({{ funnel_limit('expected', 'inflation', 'upper', 0.999) }}) as upper_998,
        scale * people_registered as rate
    from scaled
)

select
    limited.period_type,
    limited.period_start,
    limited.period_end,
    limited.practice_code,
    areas.area_name as practice_name,
    limited.pcn_code,
    limited.icb_code,
    limited.referrals,
    limited.people,
    limited.people_registered,
    limited.registered,
    limited.rate,
    limited.scale * limited.expected as peer_rate,
    case when limited.is_compared then cast(limited.peer_units as integer) end as peer_practices,
    case when limited.is_compared then round(limited.dispersion, 9) end as dispersion,
    round(limited.lower_95, 9) as lower_95,
    round(limited.upper_95, 9) as upper_95,
    round(limited.lower_998, 9) as lower_998,
    round(limited.upper_998, 9) as upper_998,
    case
        when not limited.is_compared then 'not_compared'
        when limited.rate > limited.upper_998 then 'above_998'
        when limited.rate > limited.upper_95 then 'above_95'
        when limited.rate < limited.lower_998 then 'below_998'
        when limited.rate < limited.lower_95 then 'below_95'
        else 'within'
    end as standing,
    breaks.comparability_breaks
from limited
left join {{ ref('dim_areas') }} as areas
    on
        areas.area_level = 'practice'
        and limited.practice_code = areas.area_code
left join (
    {{ breaks_crossed(
        'limited', ['period_type', 'period_start', 'practice_code'], 'period_start', 'period_end',
        practice='practice_code'
    ) }}
) as breaks
    on {{ same_in('limited', 'breaks', 'period_type, period_start, practice_code') }}
