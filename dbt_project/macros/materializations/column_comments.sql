{#- Overrides dbt-duckdb's, which asks first what columns a relation has: an eighth of a build of little data. Here a
    description of a column that is not there fails the build. -#}
{% macro duckdb__alter_column_comment(relation, column_dict) -%}
    {%- for name, column in column_dict.items() %}
    comment on column {{ relation }}.{{ adapter.quote(name) }} is {{ duckdb_escape_comment(column['description']) }};
    {%- endfor %}
{%- endmacro %}
