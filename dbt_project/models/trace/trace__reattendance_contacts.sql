-- One row per received referral, window, measure and slot of an appointment book that counts before or after its index.
-- Several slots of one person, day and practice are one contact. One of which nobody says what became, or that may have
-- been with a GP, counts in what ends in _most alone.
-- A referral and its windows are joined before slots are, so that of one referral those of one person are looked at.
-- What a slot counts for depends on the measure, so that the engine cannot ask it of every slot of everybody first.
with indexes as (
    select
        reattendance.*,
        times.window_days,
        times.days_before,
        times.days_after
    from {{ ref('int_reattendance_person_time') }} as times
    inner join {{ ref('int_reattendance_index') }} as reattendance on times.referral_key = reattendance.referral_key
),

slots as (
    select
        appointment_key,
        subject_key,
        slot_on as contact_on,
        contact_class,
        case when {{ is_countable_slot() }} then contact_class else class_if_attended end as counted_class
    from {{ ref('int_appointments') }}
),

nearby as (
    {{ contacts_near_index(
        indexes='indexes',
        of_index=['referral_key', 'window_days', 'days_before', 'days_after'],
        contacts='slots',
        of_contact=['appointment_key', 'contact_class', 'counted_class'],
    ) }}
),

followed as (
    select *
    from nearby
    where
        days_off <> 0
        and {{ is_followed_day('nearby', 'nearby') }}
),

measured as (
    select
        followed.*,
        measures.measure,
        case measures.measure
            {%- for measure, conditions in contact_measures().items() %}
            when '{{ measure }}' then {{ conditions['known'] }}
            {%- endfor %}
        end as is_known
    from followed
    cross join (
        {%- for measure in contact_measures() %}
        select '{{ measure }}' as measure
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as measures
    where
        case measures.measure
            {%- for measure, conditions in contact_measures().items() %}
            when '{{ measure }}' then {{ conditions['possible'] }}
            {%- endfor %}
        end
)

select
    {{ id_text('referral_key') }} as referral_id,
    window_days,
    measure,
    {% for side, condition in reattendance_sides().items() -%}
    case when {{ condition }} and is_known then 1 else 0 end as contacts_{{ side }},
    case when {{ condition }} then 1 else 0 end as contacts_{{ side }}_most,
    {% endfor -%}
    {{ id_text('appointment_key') }} as appointment_id
from measured
