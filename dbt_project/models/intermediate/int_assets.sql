-- One row per service of the directory of community services, as loaded last, with its roll-up category.
-- The category is that of the first of the directory's terms that the mapping of activities knows today.
with services as (
    select
        asset_id,
        category_terms
    from {{ ref('stg_reference__assets') }}
),

terms as (
    {{ unnest_with_position('services', ['asset_id'], 'category_terms', 'term') }}
),

mapped as (
    select
        terms.asset_id,
        min({{ pack([
            ['place', 'terms.position'],
            ['is_shipped', "case when mapping.origin = 'region' then 0 else 1 end"],
            ['category', 'mapping.category'],
        ]) }}) as entry
    from terms
    inner join {{ ref('int_code_map') }} as mapping
        on
            {{ code_key('terms.term') }} = mapping.code_key
            and mapping.code_use = 'activity'
            and mapping.source_system is null
    inner join {{ ref('stg_log__pinned') }} as pinned
        on
            mapping.valid_from <= pinned.cut_off
            and coalesce(mapping.valid_to, pinned.cut_off) >= pinned.cut_off
    group by terms.asset_id
)

select
    services.asset_id,
    services.asset_name,
    services.organisation_id,
    services.organisation_name,
    services.status,
    services.categories,
    coalesce(mapped.entry.category, 'uncoded') as category,
    services.minimum_age,
    services.maximum_age,
    services.session_capacity
from {{ ref('stg_reference__assets') }} as services
left join mapped on services.asset_id = mapped.asset_id
