-- One row per break in comparability and practice it concerns (ALL for all): what on either side of a day does not
-- compare. Published ones, and those that reference data tell of: a practice that changes its system, whose figures are
-- unreliable for twelve months because history arrives incomplete, and a mapping of codes that changes.
with systems as (
    select
        sender,
        source_system,
        valid_from,
        lag(source_system) over (partition by sender order by valid_from asc nulls first) as system_before
    from {{ ref('stg_reference__source_systems') }}
),

releases as (
    select valid_from as break_on
    from {{ ref('int_code_map') }}
    union distinct
    select {{ add_days('valid_to', 1) }} as break_on
    from {{ ref('int_code_map') }}
    where valid_to is not null
)

select
    break_id,
    'ALL' as practice_code,
    break_on,
    {{ add_days('break_on', 'reach_days') }} as last_on,
    kind,
    affects,
    title,
    source
from {{ ref('comparability_breaks') }}
union all
select
    'supplier_switch_' || cast(valid_from as string) as break_id,
    sender as practice_code,
    valid_from as break_on,
    {{ add_days('valid_from', 365) }} as last_on,
    'supplier_switch' as kind,
    'everything' as affects,
    'The practice changes its system from ' || system_before || ' to ' || source_system as title,
    'Register of senders' as source
from systems
where
    valid_from is not null
    and system_before <> source_system
union all
select
    'code_set_' || cast(break_on as string) as break_id,
    'ALL' as practice_code,
    break_on,
    break_on as last_on,
    'code_set' as kind,
    'reasons' as affects,
    'The mapping of codes changes' as title,
    'Mapping of codes' as source
from releases
where break_on > cast('1900-01-01' as date)
