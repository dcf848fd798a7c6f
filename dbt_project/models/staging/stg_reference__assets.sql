-- One row per service of the directory of community services.
select
    asset_id,
    asset_name,
    status,
    organisation_id,
    organisation_name,
    categories as category_terms,
    {{ list_text('categories', '; ') }} as categories,
    minimum_age,
    maximum_age,
    session_capacity
from {{ source('reference', 'assets') }}
