-- One row per service of the directory of community services, as loaded last.
select
    asset_id,
    asset_name,
    organisation_id,
    organisation_name,
    status,
    categories,
    category,
    minimum_age,
    maximum_age,
    session_capacity
from {{ ref('int_assets') }}
