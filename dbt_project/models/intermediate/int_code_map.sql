-- One row per entry of the mapping of codes, the region's and the shipped ones.
select * from {{ ref('stg_reference__code_map') }}
