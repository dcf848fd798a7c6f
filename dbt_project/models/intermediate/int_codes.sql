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

identifiers as (
    select distinct trim(code) as identifier
    from sent
    where {{ is_sctid('trim(code)') }}
),

checked as (
    {{ verhoeff_checks('identifiers', 'identifier') }}
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
    mapped.code_use,
    mapped.code,
    mapped.code_system,
    mapped.source_system,
    mapped.coded_on,
    mapped.entry is not null as is_mapped,
    coalesce(mapped.entry.category, 'uncoded') as category,
    mapped.entry.mapping_version,
    nullif(mapped.entry.term, '') as term,
    case
        when not checked.is_right then 'check_digit'
        when {{ sctid_names('checked.identifier') }} = 'description' then 'description_id'
        when {{ sctid_names('checked.identifier') }} = 'relationship' then 'relationship_id'
        when mapped.entry.status = 'retired' then 'retired'
        when mapped.code <> coalesce(mapped.entry.code, trim(mapped.code)) then 'spelling'
    end as fault
from mapped
left join checked on trim(mapped.code) = checked.identifier
