-- One row per practice and quarter in which it has registered people, contacts or referrals: people registered on the
-- first day, days that its appointments tell of, and where the quarter stands to the roll-out.
-- Roll-out is the day of the first referral by general practice of somebody with the practice, else of any.
with census as (
    select
        practice_code,
        census_on as quarter_start,
        max(pcn_code) as pcn_code,
        max(icb_code) as icb_code,
        cast(sum(people) as bigint) as registered
    from {{ ref('fct_registered_people') }}
    group by practice_code, census_on
),

seen as (
    select
        practice_code,
        {{ period_start('quarter', 'contact_on') }} as quarter_start,
        max(pcn_code) as pcn_code,
        max(icb_code) as icb_code
    from {{ ref('fct_contact_days') }}
    group by practice_code, {{ period_start('quarter', 'contact_on') }}
    union all
    select
        practice_code,
        {{ period_start('quarter', 'received_on') }} as quarter_start,
        max(pcn_code) as pcn_code,
        max(icb_code) as icb_code
    from {{ ref('fct_referrals') }}
    group by practice_code, {{ period_start('quarter', 'received_on') }}
    union all
    select
        practice_code,
        quarter_start,
        pcn_code,
        icb_code
    from census
),

quarters as (
    select
        practice_code,
        quarter_start,
        {{ period_end('quarter_start', 3) }} as quarter_end,
        max(pcn_code) as pcn_code,
        max(icb_code) as icb_code
    from seen
    group by practice_code, quarter_start
),

observed as (
    select
        quarters.practice_code,
        quarters.quarter_start,
        sum({{ days_between(
            'greatest(coverage.first_on, quarters.quarter_start)', 'least(coverage.last_on, quarters.quarter_end)'
        ) }} + 1) as days
    from quarters
    inner join {{ ref('int_practice_coverage') }} as coverage
        on
            quarters.practice_code = coverage.practice_code
            and quarters.quarter_end >= coverage.first_on
            and quarters.quarter_start <= coverage.last_on
    group by quarters.practice_code, quarters.quarter_start
),

rollouts as (
    select
        practice_code,
        coalesce(min(case when route = 'gp' then received_on end), min(received_on)) as rollout_on,
        case when count(case when route = 'gp' then 1 end) > 0 then 'gp_referral' else 'any_referral' end
            as rollout_basis
    from {{ ref('fct_referrals') }}
    where practice_code <> 'UNKNOWN'
    group by practice_code
)

select
    quarters.practice_code,
    quarters.quarter_start,
    quarters.quarter_end,
    coalesce(census.pcn_code, quarters.pcn_code) as pcn_code,
    coalesce(census.icb_code, quarters.icb_code) as icb_code,
    coalesce(census.registered, 0) as registered,
    cast({{ days_between('quarters.quarter_start', 'quarters.quarter_end') }} + 1 as integer) as days_in_quarter,
    cast(coalesce(observed.days, 0) as integer) as days_observed,
    rollouts.rollout_on,
    rollouts.rollout_basis,
    cast(
        (extract(year from quarters.quarter_start) - extract(year from rollouts.rollout_on)) * 4
        + extract(quarter from quarters.quarter_start) - extract(quarter from rollouts.rollout_on) as integer
    ) as quarters_since_rollout
from quarters
left join census
    on
        quarters.practice_code = census.practice_code
        and quarters.quarter_start = census.quarter_start
left join observed on {{ same_in('quarters', 'observed', 'practice_code, quarter_start') }}
left join rollouts on quarters.practice_code = rollouts.practice_code
