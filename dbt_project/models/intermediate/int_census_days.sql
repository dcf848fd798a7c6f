-- One row per day on which registered people are counted: the first of each quarter since appointments or referrals.
-- Published lists by small area are of these days too.
with span as (
    select
        {{ period_start('quarter', 'least(min(referrals.first_on), min(contacts.first_on))') }} as first_day,
        max(pinned.cut_off) as last_day
    from {{ ref('stg_log__pinned') }} as pinned
    cross join (
        select min(received_on) as first_on
        from {{ ref('int_referrals') }}
    ) as referrals
    cross join (
        select min(first_on) as first_on
        from {{ ref('int_practice_coverage') }}
    ) as contacts
),

days as (
    {{ days_between_columns('span', 'first_day', 'last_day') }}
)

select
    day as census_on,
    {{ period_start('year', 'day') }} as year_start
from days
where day = {{ period_start('quarter', 'day') }}
