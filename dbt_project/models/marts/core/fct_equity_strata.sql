-- One row per quarter or year, network or board, group of people, measure, and age and sex within the group: people who
-- reached the measure and people registered. What rates of equity are made of, crude and standardised.
-- Registered people are counted on the first day of every quarter of the period up to the cut-off; census_days says on
-- how many days, so that person_quarters / census_days is how many were registered on average.
with reached as (
    {{ equity_referrals() }}
),

events as (
    select
        {{ equity_keys() }},
        standard_age,
        sex,
        count(*) as referrals,
        cast(sum(people) as bigint) as people,
        cast(sum(people_registered) as bigint) as people_registered
    from reached
    group by {{ equity_keys() }}, standard_age, sex
),

counts as (
    {{ figures_of_places(
        ref('fct_registered_people'), day='census_on', labels=['standard_age', 'sex', 'edition'], figures=['people'],
        levels=['pcn', 'icb'], breakdowns=equity_breakdowns(), periods={'quarter': 3, 'year': 12}
    ) }}
),

summed as (
    select
        {{ reporting_keys() }},
        {{ edition_shown() }} as imd_edition,
        standard_age,
        sex,
        cast(sum(people) as bigint) as person_quarters
    from counts
    group by {{ reporting_keys() }}, {{ edition_shown() }}, standard_age, sex
),

registered as (
    select
        summed.*,
        measures.measure
    from summed
    cross join (
        {%- for measure in equity_measures() %}
        select '{{ measure }}' as measure
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as measures
),

days as (
    select
        'quarter' as period_type,
        census_on as period_start,
        1 as census_days
    from {{ ref('int_census_days') }}
    union all
    select
        'year' as period_type,
        year_start as period_start,
        count(*) as census_days
    from {{ ref('int_census_days') }}
    group by year_start
),

joined as (
    select
        {%- for column in (equity_keys() ~ ', standard_age, sex').split(', ') %}
        coalesce(registered.{{ column }}, events.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(events.referrals, 0) as referrals,
        coalesce(events.people, 0) as people,
        coalesce(events.people_registered, 0) as people_registered,
        coalesce(registered.person_quarters, 0) as person_quarters
    from registered
    full outer join events
        on {{ same_in('registered', 'events', equity_keys() ~ ', standard_age, sex') }}
)

select
    joined.*,
    cast(coalesce(days.census_days, 0) as integer) as census_days
from joined
left join days
    on
        joined.period_type = days.period_type
        and joined.period_start = days.period_start
