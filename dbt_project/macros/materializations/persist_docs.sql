{#- Overrides dbt's, which asks first what columns a relation has and then comments in two statements: an eighth of a build
    of little data. Here a description of a column that is not there fails the build. -#}
{% macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set of_relation = for_relation and config.persist_relation_docs() and model.description -%}
    {%- set of_columns = model.columns.values() if for_columns and config.persist_column_docs() else [] -%}
    {%- if of_relation or of_columns -%}
        {%- call statement() -%}
            {%- if of_relation -%}
                comment on {{ relation.type }} {{ relation }} is {{ duckdb_escape_comment(model.description) }};
            {%- endif -%}
            {%- for column in of_columns %}
                comment on column {{ relation }}.{{ adapter.quote(column['name']) }}
                is {{ duckdb_escape_comment(column['description']) }};
            {%- endfor -%}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
