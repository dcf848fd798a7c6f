-- One row per received referral, window, measure and slot of an appointment book that counts before or after its index.
-- Several slots of one person, day and practice are one contact.
with nearby as (
    {{ contacts_near_index() }}
),

followed as (
    select
        times.referral_key,
        times.window_days,
        nearby.days_off,
        slots.appointment_key,
        slots.contact_class
    from {{ ref('int_reattendance_person_time') }} as times
    inner join nearby
        on
            times.referral_key = nearby.referral_key
            and {{ is_followed_day('times', 'nearby') }}
    inner join {{ ref('int_appointments') }} as slots
        on
            nearby.subject_key = slots.subject_key
            and nearby.contact_on = slots.slot_on
            and nearby.practice_code is not distinct from slots.practice_code
    where {{ is_countable_slot() }}
)

select
    {{ id_text('followed.referral_key') }} as referral_id,
    followed.window_days,
    measures.measure,
    {% for side, condition in reattendance_sides().items() -%}
    case when followed.{{ condition }} then 1 else 0 end as contacts_{{ side }},
    {% endfor -%}
    {{ id_text('followed.appointment_key') }} as appointment_id
from followed
cross join (
    {%- for measure in contact_measures() %}
    select '{{ measure }}' as measure
    {%- if not loop.last %} union all{% endif %}
    {%- endfor %}
) as measures
where
    followed.days_off <> 0
    and case measures.measure
        {%- for measure, condition in contact_measures().items() %}
        when '{{ measure }}' then {{ condition }}
        {%- endfor %}
    end
