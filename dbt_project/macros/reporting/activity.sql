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

{#-
One row of fct_asset_uses for every period, area, breakdown group and category it counts towards, and for all categories
together, as `counted_category`. Arguments: the relation, fct_asset_uses or one with all its columns; numbered, whether its
columns are, so that the rows get their `place`.
-#}
{% macro activity_rows(relation, numbered=false) -%}
    select
        placed.*,
        case when categories.is_total then 'all' else placed.category end as counted_category
        {%- if numbered %},
        placed.place_no * 50000 + case when categories.is_total then 0 else placed.category_no end as place
        {%- endif %}
    from (
        {{ linkwork.reporting_rows(relation, 'used_on', numbered=numbered) }}
    ) as placed
    cross join (
        select false as is_total
        union all
        select true as is_total
    ) as categories
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
