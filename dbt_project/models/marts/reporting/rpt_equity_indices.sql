-- One row per quarter or year, network or board, deprivation by decile or quintile, edition of the indices, measure and
-- basis (crude or standardised rates): slope and relative index of inequality.
-- People whose deprivation is unknown, or known by another edition only, are in no index; they stand beside it.
{%- set keys = ['period_type', 'period_start', 'period_end', 'area_level', 'area_code', 'breakdown', 'measure'] %}
{%- set index_keys = keys + ['imd_edition', 'basis'] %}

with rates as (
    {{ equity_rates() }}
),

totals as (
    select
        {{ keys | join(', ') }},
        sum(people) as people,
        sum(case when imd_edition = 'none' then people else 0 end) as people_unknown,
        sum(case when imd_edition = 'none' then person_quarters else 0 end) as person_quarters_unknown
    from rates
    where breakdown in ('imd_decile', 'imd_quintile')
    group by {{ keys | join(', ') }}
),

groups_of_people as (
    select
        rates.*,
        bases.basis,
        cast(rates.breakdown_group as integer) as position_of_group,
        case bases.basis when 'crude' then rates.rate else rates.standardised_rate end as rate_compared,
        case bases.basis when 'crude' then rates.rate_variance else rates.standardised_variance end as variance_compared
    from rates
    cross join (
        select 'crude' as basis
        union all
        select 'standardised' as basis
    ) as bases
    where
        rates.breakdown in ('imd_decile', 'imd_quintile')
        and rates.imd_edition <> 'none'
),

sets as (
    select
        {{ index_keys | join(', ') }},
        cast(sum(people) as bigint) as people,
        cast(sum(people_registered) as bigint) as people_registered,
        sum(person_quarters) as person_quarters,
        max(census_days) as census_days,
        count(case when person_quarters > 0 and rate_compared is null then 1 end) as groups_without_rate
    from groups_of_people
    group by {{ index_keys | join(', ') }}
),

comparable as (
    select groups_of_people.*
    from groups_of_people
    inner join sets
        on
            {{ same_in('groups_of_people', 'sets', index_keys) }}
            and sets.groups_without_rate = 0
            and sets.people_registered >= 10
),

indexed as (
    {{ inequality(
        'comparable', index_keys, 'position_of_group', 'person_quarters', 'rate_compared', 'variance_compared'
    ) }}
)

select
    {% for column in index_keys -%}
    sets.{{ column }},
    {% endfor -%}
    areas.area_name,
    sets.people,
    sets.people_registered,
    cast(totals.people - sets.people - totals.people_unknown as bigint) as people_other_edition,
    cast(totals.people_unknown as bigint) as people_unknown,
    cast(sets.person_quarters as double) / nullif(sets.census_days, 0) as registered,
    cast(totals.person_quarters_unknown as double) / nullif(sets.census_days, 0) as registered_unknown,
    cast(indexed.index_groups as integer) as index_groups,
    indexed.slope_index,
    indexed.slope_index_lower,
    indexed.slope_index_upper,
    indexed.relative_index,
    indexed.relative_index_lower,
    indexed.relative_index_upper
from sets
inner join totals
    on {{ same_in('sets', 'totals', keys) }}
left join indexed
    on {{ same_in('sets', 'indexed', index_keys) }}
left join {{ ref('dim_areas') }} as areas
    on
        sets.area_level = areas.area_level
        and sets.area_code = areas.area_code
