-- One row per quarter or year, network or board, group of people and measure: people referred, contacted and completed
-- per 1,000 registered, crude and standardised. Groups that nobody knows are shown, and every row of referrals
-- counts in one group of each breakdown.
with rates as (
    {{ equity_rates() }}
)

select
    {{ equity_keys('rates') }},
    areas.area_name,
    rates.referrals,
    rates.people,
    rates.people_registered,
    rates.registered,
    rates.census_days,
    rates.rate,
    {{ rate_limit('rates.people_registered', 'rates.registered', 'lower') }} as rate_lower,
    {{ rate_limit('rates.people_registered', 'rates.registered', 'upper') }} as rate_upper,
    rates.people_standardised,
    rates.standard_share,
    rates.standardised_rate,
    {{ dobson('rates.standardised_rate', 'rates.standardised_variance', 'rates.people_standardised', 'lower') }}
        as standardised_rate_lower,
    {{ dobson('rates.standardised_rate', 'rates.standardised_variance', 'rates.people_standardised', 'upper') }}
        as standardised_rate_upper,
    breaks.comparability_breaks
from rates
left join {{ ref('dim_areas') }} as areas
    on
        rates.area_level = areas.area_level
        and rates.area_code = areas.area_code
left join (
    {{ period_breaks('rates') }}
) as breaks
    on {{ same_in('rates', 'breaks', area_period_keys()) }}
