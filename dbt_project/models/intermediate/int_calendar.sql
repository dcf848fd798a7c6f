-- One row per day of the years whose bank holidays are known.
with span as (
    select
        {{ period_start('year', 'min(holiday_on)') }} as first_day,
        {{ period_end(period_start('year', 'max(holiday_on)'), 12) }} as last_day
    from {{ ref('stg_reference__bank_holidays') }}
),

days as (
    {{ days_between_columns('span', 'first_day', 'last_day') }}
)

select
    days.day,
    {{ weekday('days.day') }} as weekday,
    holidays.holiday_name,
    {{ weekday('days.day') }} <= 5 and holidays.holiday_on is null as is_working_day
from days
left join {{ ref('stg_reference__bank_holidays') }} as holidays on days.day = holidays.holiday_on
