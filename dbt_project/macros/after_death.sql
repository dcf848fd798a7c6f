{#-
Whether an event says that the person took part in something: one dated long after their death cannot be right. Others may
well come later, such as a closure, a cancellation or a slot that nobody used.
-#}
{% macro is_of_the_living(event_type) -%}
    {%- set events = [
        'appointment.attended', 'consultation.completed', 'referral.received', 'referral.offered',
        'referral.accepted_at_offer', 'referral.declined_at_offer', 'contact.held', 'plan.agreed', 'goal.set',
        'action.set', 'measure.recorded', 'support.given', 'activity.attended', 'need.recorded',
    ] -%}
    {{ event_type }} in ('{{ events | join("', '") }}')
{%- endmacro %}
