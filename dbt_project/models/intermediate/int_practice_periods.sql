-- One row per GP practice of the Organisation Data Service and time in which its network was the same.
-- A time begins when the practice opens, joins a network or has left one. Where memberships overlap, the one that began
-- last holds, of those that began together the one that ends last; between two of them there is no network.
with practices as (
    select *
    from {{ ref('stg_reference__practices') }}
    where
        is_gp_practice
        or practice_code in (select practice_code from {{ ref('stg_reference__pcn_memberships') }})
),

edges as (
    select
        practice_code,
        opened_on as begins_on
    from practices
    union distinct
    select
        practice_code,
        joined_on as begins_on
    from {{ ref('stg_reference__pcn_memberships') }}
    union distinct
    select
        practice_code,
        {{ add_days('left_on', 1) }} as begins_on
    from {{ ref('stg_reference__pcn_memberships') }}
    where left_on is not null
),

open_edges as (
    select edges.*
    from edges
    inner join practices
        on
            edges.practice_code = practices.practice_code
            and edges.begins_on >= practices.opened_on
            and edges.begins_on <= coalesce(practices.closed_on, edges.begins_on)
),

networks as (
    {{ as_at(
        asked='open_edges',
        keys=['practice_code', 'begins_on'],
        code='practice_code',
        day='begins_on',
        relation=ref('stg_reference__pcn_memberships'),
        valid_from='joined_on',
        valid_to='left_on',
        fields=[['pcn_code', 'versions.pcn_code'], ['pcn_name', 'versions.pcn_name']],
    ) }}
)

select
    practices.practice_code,
    practices.practice_name,
    networks.holding.pcn_code,
    networks.holding.pcn_name,
    practices.icb_code,
    open_edges.begins_on as valid_from,
    least(
        {{ add_days(
            'lead(open_edges.begins_on) over (partition by open_edges.practice_code order by open_edges.begins_on)', -1
        ) }},
        practices.closed_on
    ) as valid_to
from open_edges
inner join practices on open_edges.practice_code = practices.practice_code
left join networks
    on
        open_edges.practice_code = networks.practice_code
        and open_edges.begins_on = networks.begins_on
