-- One row per practice and validity, and one row UNKNOWN for a practice that reference data does not know on the day.
-- A practice that the Organisation Data Service has is taken from there; others from the simple form.
with boards as (
    select
        icb_code,
        max(icb_name) as icb_name
    from {{ ref('stg_reference__practice_mapping') }}
    group by icb_code
),

organisations as (
    select
        periods.practice_code,
        periods.practice_name,
        periods.pcn_code,
        coalesce(pcns.pcn_name, periods.pcn_name) as pcn_name,
        coalesce(periods.icb_code, mapped.icb_code) as icb_code,
        periods.valid_from,
        periods.valid_to
    from {{ ref('int_practice_periods') }} as periods
    left join {{ ref('stg_reference__pcns') }} as pcns on periods.pcn_code = pcns.pcn_code
    left join {{ ref('stg_reference__practice_mapping') }} as mapped
        on periods.practice_code = mapped.practice_code
),

named as (
    select
        organisations.*,
        coalesce(boards.icb_name, organisations.icb_code) as icb_name
    from organisations
    left join boards on organisations.icb_code = boards.icb_code
    union all
    select
        practice_code,
        practice_name,
        pcn_code,
        pcn_name,
        icb_code,
        valid_from,
        valid_to,
        icb_name
    from {{ ref('stg_reference__organisations') }}
    where practice_code not in (select practice_code from {{ ref('int_practice_periods') }})
)

select
    practice_code || '|' || cast(valid_from as string) as organisation_key,
    practice_code,
    practice_name,
    coalesce(pcn_code, 'UNKNOWN') as pcn_code,
    coalesce(pcn_name, 'Unknown') as pcn_name,
    coalesce(icb_code, 'UNKNOWN') as icb_code,
    coalesce(icb_name, 'Unknown') as icb_name,
    valid_from,
    valid_to
from named
union all
select
    'UNKNOWN' as organisation_key,
    'UNKNOWN' as practice_code,
    'Unknown' as practice_name,
    'UNKNOWN' as pcn_code,
    'Unknown' as pcn_name,
    'UNKNOWN' as icb_code,
    'Unknown' as icb_name,
    cast(null as date) as valid_from,
    cast(null as date) as valid_to
