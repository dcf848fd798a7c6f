-- One row per area of each level (practice, pcn, icb) with its newest name.
with named as (
    {% for level in ['practice', 'pcn', 'icb'] -%}
    select
        '{{ level }}' as area_level,
        {{ level }}_code as area_code,
        max({{ pack([
            ['valid_from', "coalesce(valid_from, cast('1900-01-01' as date))"],
            ['name', level ~ '_name'],
        ]) }}) as newest
    from {{ ref('int_organisations') }}
    group by {{ level }}_code
    {%- if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
)

select
    area_level,
    area_code,
    coalesce(newest.name, area_code) as area_name
from named
