{#-
Whether a registration puts the person on the practice's list: not so one of a temporary resident, or of another kind. A
source that does not say registers people on the list.
-#}
{% macro is_on_list(registrations='') -%}
    coalesce({{ registrations ~ '.' if registrations }}registration_type, 'registered') = 'registered'
{%- endmacro %}
