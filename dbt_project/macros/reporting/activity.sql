{#- What a fact can say of an asset's use: each word is a figure of its own. -#}
{% macro asset_uses() -%}
    {{ return(['signposted', 'referred', 'booked', 'attended', 'missed', 'cancelled', 'completed', 'withdrawn']) }}
{%- endmacro %}

{#- The figures of activity that are of people and sessions alike: what each row of fct_asset_uses adds to them. -#}
{% macro activity_figures() -%}
    {{ return(linkwork.asset_uses() + [
        'attended_as_participant', 'attended_as_carer', 'attended_as_volunteer', 'attended_without_referral',
        'attended_by_unknown', 'cancelled_by_person', 'cancelled_by_provider', 'outcome_missing',
    ]) }}
{%- endmacro %}

{#- The figures of sessions: the first row of a session stands for it, so that a group counts once. -#}
{% macro session_figures() -%}
    {{ return([
        'sessions', 'sessions_held', 'sessions_cancelled', 'sessions_with_capacity', 'places', 'places_taken',
    ]) }}
{%- endmacro %}

{#- How people are counted: the column of fct_asset_uses in which a known person adds to the figure. -#}
{% macro activity_people() -%}
    {{ return({'people': 'attended_by_known', 'people_put_in_touch': 'put_in_touch_known'}) }}
{%- endmacro %}

{#- Whom each fact adds to the counts of people. -#}
{% macro activity_members() -%}
    {%- set members = {} -%}
    {%- for count, column in linkwork.activity_people().items() -%}
    {%- do members.update({count: 'case when ' ~ column ~ ' > 0 then person_id end'}) -%}
    {%- endfor -%}
    {{ return(members) }}
{%- endmacro %}

{#- One row per fact of a relation and category it counts towards, as `counted_category`: its own, and all together. -#}
{% macro uses_counted(relation) -%}
    select
        facts.*,
        case when categories.is_total then 'all' else facts.category end as counted_category
    from {{ relation }} as facts
    cross join (
        select false as is_total
        union all
        select true as is_total
    ) as categories
{%- endmacro %}

{#- One row of fct_asset_uses for every period, area, breakdown group and category it counts towards. -#}
{% macro activity_rows(relation) -%}
    {{ linkwork.uses_counted('(' ~ linkwork.reporting_rows(relation, 'used_on') ~ ')') }}
{%- endmacro %}

{#-
Bounds of the share missed, where of some places nobody says what became: if all of those had been attended, and if none.
-#}
{% macro missed_share_bounds(counted) -%}
    {%- set known = counted ~ '.attended + ' ~ counted ~ '.missed' -%}
    {%- set all_places = '(' ~ known ~ ' + ' ~ counted ~ '.outcome_missing)' -%}
    {{ linkwork.ratio(counted ~ '.missed', all_places) }} as missed_share_least,
    {{ linkwork.ratio('(' ~ counted ~ '.missed + ' ~ counted ~ '.outcome_missing)', all_places) }} as missed_share_most
{%- endmacro %}
