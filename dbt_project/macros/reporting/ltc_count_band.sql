{#- The bands of the count of long-term conditions; 'unknown' where nobody states them. -#}
{% macro ltc_count_band(conditions) -%}
    case
        when {{ conditions }} >= 3 then '3+'
        when {{ conditions }} >= 0 then cast({{ conditions }} as string)
        else 'unknown'
    end
{%- endmacro %}
