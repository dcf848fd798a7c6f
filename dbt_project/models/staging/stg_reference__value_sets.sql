-- One row per profile of an instrument and value set that was loaded: the value the set gives it.
select
    value_set,
    instrument,
    profile,
    value
from {{ source('reference', 'value_sets') }}
