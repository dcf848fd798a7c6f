-- One row per day of the years whose bank holidays are known; working days are those of England.
select
    day,
    cast(weekday as integer) as weekday,
    holiday_name,
    is_working_day,
    cast(sum(case when is_working_day then 1 else 0 end) over (order by day) as integer) as working_day_number
from {{ ref('int_calendar') }}
