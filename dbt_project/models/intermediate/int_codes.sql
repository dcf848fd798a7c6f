-- One row per code as it was sent, its use, system, source system and day: its category, and what is wrong with it.
-- An entry of the region comes before a shipped one, one for a source system before one for all. A code that no mapping
-- knows is kept as uncoded, and finds its category by itself once a mapping has it.
with referrals as (
    select
        received_on,
        reasons,
        coalesce(source_system, '') as source_system
    from {{ ref('int_referrals') }}
    where received_on is not null
),

sent as (
    select
        code_use,
        code,
        code_system,
        source_system,
        coded_on
    from {{ ref('stg_log__codes') }}
    union distinct
    select
        'need' as code_use,
        code,
        '' as code_system,
        source_system,
        received_on as coded_on
    from (
        {{ unnest_with_position('referrals', ['received_on', 'source_system'], 'reasons', 'code') }}
    ) as reasons
    where code is not null
),

mapped as (
    select
        sent.code_use,
        sent.code,
        sent.code_system,
        sent.source_system,
        sent.coded_on,
        max(case when mapping.code is not null then {{ pack([
            ['is_own', "case when mapping.origin = 'region' then 1 else 0 end"],
            ['is_of_system', 'case when mapping.source_system is not null then 1 else 0 end'],
            ['mapping_version', 'mapping.mapping_version'],
            ['category', 'mapping.category'],
            ['code', 'mapping.code'],
            ['term', "coalesce(mapping.source_term, '')"],
            ['status', 'mapping.status'],
        ]) }} end) as entry
    from sent
    left join {{ ref('int_code_map') }} as mapping
        on
            sent.code_use = mapping.code_use
            and {{ code_key('sent.code') }} = mapping.code_key
            and sent.code_system in ('', mapping.code_system)
            and sent.source_system = coalesce(mapping.source_system, sent.source_system)
            and sent.coded_on >= mapping.valid_from
            and sent.coded_on <= coalesce(mapping.valid_to, sent.coded_on)
    group by sent.code_use, sent.code, sent.code_system, sent.source_system, sent.coded_on
)

select
    code_use,
    code,
    code_system,
    source_system,
    coded_on,
    entry is not null as is_mapped,
    coalesce(entry.category, 'uncoded') as category,
    entry.mapping_version as mapping_version,
    nullif(entry.term, '') as term,
    case
        when {{ is_sctid('trim(code)') }} and not {{ verhoeff_holds('trim(code)') }} then 'check_digit'
        when {{ is_sctid('trim(code)') }} and {{ sctid_names('trim(code)') }} = 'description' then 'description_id'
        when {{ is_sctid('trim(code)') }} and {{ sctid_names('trim(code)') }} = 'relationship' then 'relationship_id'
        when entry.status = 'retired' then 'retired'
        when code <> coalesce(entry.code, trim(code)) then 'spelling'
    end as fault
from mapped
