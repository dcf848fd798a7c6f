{#- Ids are 16-byte binary in the log and lower-case hexadecimal text in marts. -#}
{% macro id_text(column) -%}
    lower(hex({{ column }}))
{%- endmacro %}
