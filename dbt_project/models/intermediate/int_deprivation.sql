-- One row per census vintage and small area: its deprivation in the edition made for that vintage.
select
    deprivation.*,
    cast(ceil(deprivation.imd_decile / 2.0) as integer) as imd_quintile,
    changes.change_code,
    coalesce(changes.change_code = 'U', false) as is_unchanged
from {{ ref('stg_reference__deprivation') }} as deprivation
left join {{ ref('stg_reference__lsoa_changes') }} as changes
    on
        deprivation.lsoa_vintage = changes.lsoa_vintage
        and deprivation.lsoa_code = changes.lsoa_code
