-- One row per fact by which somebody used a community asset or was put in touch with one, up to the cut-off; the person
-- as at its day. A figure's column holds what the fact adds to it.
-- A session is an asset and a day (one to one: and a person). The first of its facts stands for it, the first
-- attendance for one that was held, so that a group counts once however many came. A volunteer takes no place.
with attributes as (
    {{ person_as_at(
        asked=ref('int_asset_uses'), keys=['use_key'], day='used_on', practice='stated_practice_code'
    ) }}
),

in_sessions as (
    select
        *,
        row_number() over of_session as number_in_session,
        row_number() over (
            partition by session_id, is_of_session order by asset_use <> 'attended', use_key
        ) as number_in_attendance,
        min(case when asset_use = 'cancelled' and cancelled_by = 'provider' then 1 else 0 end) over (
            partition by session_id, is_of_session, kind_of_use
        ) as is_called_off
    from {{ ref('int_asset_uses') }}
    window of_session as (partition by session_id, is_of_session order by kind_of_use <> 'outcome', use_key)
),

sessions as (
    select
        *,
        is_of_session and number_in_session = 1 as opens_session,
        is_of_session and asset_use = 'attended' and number_in_attendance = 1 as opens_held_session
    from in_sessions
)

select
    {{ id_text('uses.use_key') }} as use_id,
    {{ id_text('uses.referral_key') }} as referral_id,
    {{ id_text('uses.subject_key') }} as person_id,
    uses.asset_match,
    uses.group_code,
    uses.asset_id,
    uses.used_on,
    uses.asset_use,
    uses.role,
    uses.delivery,
    uses.category,
    case when uses.is_of_session then uses.session_id end as session_id,
    uses.is_counted,
    uses.route,
    {%- for use in asset_uses() %}
    case when uses.is_counted and uses.asset_use = '{{ use }}' then 1 else 0 end as {{ use }},
    {%- endfor %}
    {%- for role in ['carer', 'volunteer'] %}
    case when uses.is_counted and uses.asset_use = 'attended' and uses.role = '{{ role }}' then 1 else 0 end
        as attended_as_{{ role }},
    {%- endfor %}
    case
        when uses.is_counted and uses.asset_use = 'attended' and uses.role not in ('carer', 'volunteer') then 1
        else 0
    end as attended_as_participant,
    case when uses.is_counted and uses.asset_use = 'attended' and uses.referral_key is null then 1 else 0 end
        as attended_without_referral,
    case when uses.is_counted and uses.asset_use = 'attended' and uses.subject_key is null then 1 else 0 end
        as attended_by_unknown,
    case when uses.is_counted and uses.asset_use = 'attended' and uses.subject_key is not null then 1 else 0 end
        as attended_by_known,
    case when uses.asset_use in ('signposted', 'referred') and uses.subject_key is not null then 1 else 0 end
        as put_in_touch_known,
    {%- for who in ['person', 'provider'] %}
    case when uses.is_counted and uses.asset_use = 'cancelled' and uses.cancelled_by = '{{ who }}' then 1 else 0 end
        as cancelled_by_{{ who }},
    {%- endfor %}
    case when uses.is_counted and uses.asset_use = 'booked' and not uses.has_outcome then 1 else 0 end
        as outcome_missing,
    case when uses.opens_session then 1 else 0 end as sessions,
    case when uses.opens_held_session then 1 else 0 end as sessions_held,
    case when uses.opens_session and uses.kind_of_use = 'outcome' then uses.is_called_off else 0 end
        as sessions_cancelled,
    case when uses.opens_held_session and uses.session_capacity is not null then 1 else 0 end
        as sessions_with_capacity,
    case when uses.opens_held_session then coalesce(uses.session_capacity, 0) else 0 end as places,
    case
        when
            uses.is_counted and uses.asset_use = 'attended' and uses.role <> 'volunteer'
            and uses.session_capacity is not null
            then 1
        else 0
    end as places_taken,
    {{ cut_columns('attributes') }}
from sessions as uses
inner join attributes on uses.use_key = attributes.use_key
