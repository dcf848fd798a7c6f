-- One row per month and community asset: sessions, places, bookings, attendances and the people who came.
-- An asset of the directory has a row in every month in which anybody used any asset, with zeros where nobody used it.
-- What the directory does not know has rows of its own, by the group or service that named it, so that totals hold. The
-- category is that of most of the month's facts; without any, the directory's.
with uses as (
    select
        *,
        {{ period_start('month', 'used_on') }} as month_start,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_asset_uses') }}
),

counted as (
    select
        {% for figure in activity_figures() + session_figures() -%}
        cast(sum({{ figure }}) as bigint) as {{ figure }},
        {% endfor -%}
        {% for people, column in activity_people().items() -%}
        count(distinct case when {{ column }} > 0 then person end) as {{ people }},
        {% endfor -%}
        month_start,
        asset_match,
        asset_id,
        group_code
    from uses
    group by month_start, asset_match, asset_id, group_code
),

categories as (
    select
        month_start,
        asset_match,
        asset_id,
        group_code,
        max({{ pack([['facts', 'facts'], ['category', 'category']]) }}) as most
    from (
        select
            month_start,
            asset_match,
            asset_id,
            group_code,
            category,
            count(*) as facts
        from uses
        where category <> 'uncoded'
        group by month_start, asset_match, asset_id, group_code, category
    ) as by_category
    group by month_start, asset_match, asset_id, group_code
),

every_row as (
    select
        months.month_start,
        'listed' as asset_match,
        assets.asset_id,
        'all' as group_code
    from {{ ref('dim_assets') }} as assets
    cross join (select distinct month_start from counted) as months
    union distinct
    select
        month_start,
        asset_match,
        asset_id,
        group_code
    from counted
)

select
    every_row.month_start,
    every_row.asset_match,
    every_row.asset_id,
    every_row.group_code,
    assets.asset_name,
    assets.organisation_name,
    assets.status as asset_status,
    coalesce(categories.most.category, assets.category, 'uncoded') as category,
    assets.session_capacity,
    {%- for figure in activity_figures() + session_figures() + activity_people().keys() | list %}
    coalesce(counted.{{ figure }}, 0) as {{ figure }},
    {%- endfor %}
    {{ ratio('counted.places_taken', 'counted.places') }} as places_taken_share,
    {{ ratio('counted.missed', '(counted.attended + counted.missed)') }} as missed_share,
    {{ missed_share_bounds('counted') }},
    counted.asset_id is not null as is_used
from every_row
left join counted
    on
        every_row.month_start = counted.month_start
        and every_row.asset_match = counted.asset_match
        and every_row.asset_id = counted.asset_id
        and every_row.group_code = counted.group_code
left join categories
    on
        every_row.month_start = categories.month_start
        and every_row.asset_match = categories.asset_match
        and every_row.asset_id = categories.asset_id
        and every_row.group_code = categories.group_code
left join {{ ref('dim_assets') }} as assets
    on
        every_row.asset_id = assets.asset_id
        and every_row.asset_match = 'listed'
