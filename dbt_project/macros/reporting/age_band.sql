{#- The age bands of every mart; 'unknown' without an age. -#}
{% macro age_band(age) -%}
    case
        {%- for first, last in [(0, 17), (18, 34), (35, 49), (50, 64), (65, 79)] %}
        when {{ age }} between {{ first }} and {{ last }} then '{{ first }}-{{ last }}'
        {%- endfor %}
        when {{ age }} >= 80 then '80+'
        else 'unknown'
    end
{%- endmacro %}
