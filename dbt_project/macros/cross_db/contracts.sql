{#- The type of a contract as Spark spells it. Contracts are written in DuckDB's names, and hold on both engines. -#}
{% macro spark_type(data_type) -%}
    {%- set spelled = {'varchar': 'string', 'timestamp with time zone': 'timestamp', 'blob': 'binary'} -%}
    {{ return(spelled.get(data_type | lower | trim, data_type)) }}
{%- endmacro %}

{#- Overrides dbt's: an empty row of the types of a model's contract, which dbt compares with the model's query. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
    {% for name in columns -%}
    cast(null as {{ linkwork.spark_type(columns[name]['data_type']) }}) as {{ name }}{{ ', ' if not loop.last }}
    {% endfor -%}
{%- endmacro %}

{#- Overrides dbt's. Spark counts rows and days in 32 bits where DuckDB has 64: whole numbers take the width their contract
    says, and one that does not fit fails. No other type is converted. -#}
{% macro spark__get_select_subquery(sql) -%}
    select
    {% for name, column in model['columns'].items() -%}
    {%- if column['data_type'] in ('bigint', 'integer') -%}
    cast({{ name }} as {{ column['data_type'] }}) as {{ name }}
    {%- else -%}
    {{ name }}
    {%- endif -%}
    {{ ', ' if not loop.last }}
    {% endfor -%}
    from (
        {{ sql }}
    ) as model_subq
{%- endmacro %}

{#- Overrides dbt's, which would compare the widths before they are set. A column too many is found here all the same. -#}
{% macro spark__get_assert_columns_equivalent(sql) -%}
    {%- set written = get_column_schema_from_query(sql) | map(attribute='name') | list -%}
    {%- if written | sort != model['columns'] | list | sort -%}
        {{ exceptions.raise_compiler_error(
            "the columns of " ~ model['name'] ~ " are not those of its contract: " ~ written | join(', ')
        ) }}
    {%- endif -%}
    {{ return(assert_columns_equivalent(linkwork.spark__get_select_subquery(sql))) }}
{%- endmacro %}
