-- One row per bank holiday of England.
select
    holiday_on,
    holiday_name
from {{ source('reference', 'bank_holidays') }}
