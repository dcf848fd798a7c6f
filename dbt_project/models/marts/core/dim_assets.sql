-- One row per service of the directory of community services, as loaded last.
select
    asset_id,
    asset_name,
    organisation_id,
    organisation_name,
    status,
    categories,
    minimum_age,
    maximum_age
from {{ ref('stg_reference__assets') }}
