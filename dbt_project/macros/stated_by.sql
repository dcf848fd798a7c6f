{#-
The value of a column in the facts of one type about a referral, where requester and performer may both state it: of the
one given, else of the other. A fact whose feed does not tell the two apart counts for both.
-#}
{% macro stated_by(first, event_type, column) -%}
    coalesce(
            max(
                case
                    when event_type = '{{ event_type }}' and coalesce(referral_stated_by, '{{ first }}') = '{{ first }}'
                        then {{ column }}
                end
            ),
            max(case when event_type = '{{ event_type }}' then {{ column }} end)
        )
{%- endmacro %}

{#- Reasons of an end that say that nobody answered: a time-out after silence is no refusal. -#}
{% macro no_response_reasons() -%}
    'no_response_timeout', 'unable_to_contact'
{%- endmacro %}

{#- How a referral is known to be reported by both its requester and its performer. -#}
{% macro linked_bases() -%}
    'shared_reference', 'person_service_day', 'same_record'
{%- endmacro %}
