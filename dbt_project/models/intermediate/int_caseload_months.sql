-- One row per month from the first in which a referral was received to the one of the cut-off.
with span as (
    select
        min(stays.entered_on) as first_day,
        max(pinned.cut_off) as last_day
    from {{ ref('int_caseload_stays') }} as stays
    cross join {{ ref('stg_log__pinned') }} as pinned
),

days as (
    {{ days_between_columns('span', 'first_day', 'last_day') }}
)

select distinct
    {{ period_start('month', 'day') }} as month_start,
    {{ period_end(period_start('month', 'day'), 1) }} as month_end
from days
