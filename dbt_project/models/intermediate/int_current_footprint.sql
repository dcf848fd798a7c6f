-- One row per practice that was ever known, with the practice, network and board that stand for it today.
with practices as (
    select
        organisations.practice_code,
        max({{ pack([
            ['valid_from', "coalesce(organisations.valid_from, cast('1900-01-01' as date))"],
            ['practice_name', 'organisations.practice_name'],
        ]) }}) as newest,
        max(pinned.cut_off) as cut_off
    from {{ ref('int_organisations') }} as organisations
    cross join {{ ref('stg_log__pinned') }} as pinned
    group by organisations.practice_code
),

held as (
    {{ practice_as_at(asked='practices', code='practice_code', day='cut_off') }}
)

select
    practices.practice_code,
    practices.newest.practice_name,
    coalesce(held.practice_match, 'closed') as standing,
    coalesce(held.practice_code_then, 'UNKNOWN') as current_practice_code,
    coalesce(held.pcn_code, 'UNKNOWN') as current_pcn_code,
    coalesce(held.icb_code, 'UNKNOWN') as current_icb_code,
    mapped.supplier
from practices
left join held on practices.practice_code = held.practice_code
left join {{ ref('stg_reference__practice_mapping') }} as mapped on practices.practice_code = mapped.practice_code
