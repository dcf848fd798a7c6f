-- One row per mart, item, figure, month and area whose figure is not what the release before had: old, new, and why.
-- Of months that were closed then. A cause is named because facts of it bear on the figure's month and area. Where none
-- does, what changed for everybody is named: erasures, permissions, reference data, the code, follow-up; else other.
with figures as (
    {{ watched_figures() }}
),

released as (
    select
        earlier.*,
        (
            earlier.is_code_map_changed
            or coalesce(earlier.mapping_version, '') <> coalesce(present.mapping_version, '')
        ) as is_mapping_changed
    from {{ ref('fct_earlier_release') }} as earlier
    cross join (
        select max(mapping_version) as mapping_version
        from {{ ref('rpt_referral_reasons') }}
    ) as present
),

compared as (
    select
        coalesce(present.mart, earlier.mart) as mart,
        coalesce(present.item, earlier.item) as item,
        coalesce(present.figure, earlier.figure) as figure,
        coalesce(present.period_start, earlier.period_start) as period_start,
        coalesce(present.area_level, earlier.area_level) as area_level,
        coalesce(present.area_code, earlier.area_code) as area_code,
        coalesce(earlier.figure_value, 0) as old_value,
        coalesce(present.figure_value, 0) as new_value
    from figures as present
    full outer join {{ ref('fct_earlier_figures') }} as earlier
        on
            present.mart = earlier.mart
            and present.item = earlier.item
            and present.figure = earlier.figure
            and present.period_start = earlier.period_start
            and present.area_level = earlier.area_level
            and present.area_code = earlier.area_code
),

changed as (
    select
        compared.*,
        {{ period_end('compared.period_start', 1) }} as period_end
    from compared
    cross join released
    where
        compared.old_value <> compared.new_value
        and {{ add_days(period_end('compared.period_start', 1), var('closed_after_days')) }} <= released.cut_off
),

causes as (
    {{ placed_causes() }}
),

located as (
    select
        mart,
        period_start,
        area_level,
        area_code,
        {% for cause in restatement_causes() -%}
        cast(sum(case when cause = '{{ cause }}' then facts else 0 end) as bigint) as facts_{{ cause }},
        {% endfor -%}
        cast(sum(facts) as bigint) as facts
    from causes
    group by mart, period_start, area_level, area_code
),

explained as (
    select
        changed.*,
        {% for cause in restatement_causes() -%}
        coalesce(near.facts_{{ cause }}, 0) + coalesce(anywhere.facts_{{ cause }}, 0) as facts_{{ cause }},
        {% endfor -%}
        coalesce(near.facts, 0) + coalesce(anywhere.facts, 0) as facts,
        released.release_id as earlier_release_id,
        changed.mart = 'rpt_referral_reasons'
        and changed.item not like '% all'
        and released.is_mapping_changed as is_mapped,
        changed.new_value < changed.old_value and released.removals_since > 0 as is_fewer_by_erasure,
        released.permissions_since > 0 as is_permitted_otherwise,
        released.is_reference_changed,
        released.is_code_changed,
        {{ is_followed_mart('changed.mart') }} and released.cut_off < released.cut_off_now as is_followed
    from changed
    cross join released
    left join located as near
        on
            changed.mart = near.mart
            and changed.period_start = near.period_start
            and changed.area_level = near.area_level
            and changed.area_code = near.area_code
    left join located as anywhere
        on
            changed.mart = anywhere.mart
            and changed.period_start = anywhere.period_start
            and changed.area_level = anywhere.area_level
            and anywhere.area_code is null
)

select
    mart,
    item,
    figure,
    'month' as period_type,
    period_start,
    period_end,
    area_level,
    area_code,
    old_value,
    new_value,
    new_value - old_value as change,
    coalesce(
        nullif(concat_ws(
            '+',
            case when facts_late > 0 then 'late' end,
            case when facts_corrected > 0 then 'corrected' end,
            case when facts_retracted > 0 then 'retracted' end,
            case when is_mapped then 'mapping' end
        ), ''),
        nullif(concat_ws(
            '+',
            case when is_fewer_by_erasure then 'erased' end,
            case when is_permitted_otherwise then 'permissions' end,
            case when is_reference_changed then 'reference' end,
            case when is_code_changed then 'code' end,
            case when facts_followed > 0 or is_followed then 'followed' end
        ), ''),
        'other'
    ) as why,
    facts,
    earlier_release_id
from explained
