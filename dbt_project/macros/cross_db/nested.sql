{#- A struct of named fields that compares field by field, in the order given. Takes a list of [name, expression]. -#}
{% macro pack(fields) -%}
    {{ return(adapter.dispatch('pack', 'linkwork')(fields)) }}
{%- endmacro %}

{% macro duckdb__pack(fields) -%}
    struct_pack({% for field in fields %}{{ field[0] }} := {{ field[1] }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{#- DuckDB puts a null field after every value, Spark before: a flag ahead of each field makes them agree. -#}
{% macro spark__pack(fields) -%}
    named_struct(
        {%- for field in fields -%}
        '{{ field[0] }}_is_null', {{ field[1] }} is null, '{{ field[0] }}', {{ field[1] }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{#- Microseconds since 1970 of an instant, as a bigint that orders as the instant does. -#}
{% macro instant_order(instant) -%}
    {{ return(adapter.dispatch('instant_order', 'linkwork')(instant)) }}
{%- endmacro %}

{% macro duckdb__instant_order(instant) -%}
    epoch_us({{ instant }})
{%- endmacro %}

{% macro spark__instant_order(instant) -%}
    unix_micros({{ instant }})
{%- endmacro %}

{#- One row per item of a list column with its position from 1; a null or empty list gives no row. -#}
{% macro unnest_with_position(relation, keys, list_column, item) -%}
    {{ return(adapter.dispatch('unnest_with_position', 'linkwork')(relation, keys, list_column, item)) }}
{%- endmacro %}

{% macro duckdb__unnest_with_position(relation, keys, list_column, item) -%}
    select
        {{ keys | join(', ') }},
        unnest({{ list_column }}) as {{ item }},
        unnest(range(1, len({{ list_column }}) + 1)) as position
    from {{ relation }}
    where len({{ list_column }}) > 0
{%- endmacro %}

{% macro spark__unnest_with_position(relation, keys, list_column, item) -%}
    select
        {{ keys | join(', ') }},
        {{ item }},
        position + 1 as position
    from {{ relation }}
    lateral view posexplode({{ list_column }}) items as position, {{ item }}
{%- endmacro %}

{% macro list_length(list_column) -%}
    {{ return(adapter.dispatch('list_length', 'linkwork')(list_column)) }}
{%- endmacro %}

{% macro duckdb__list_length(list_column) -%}
    len({{ list_column }})
{%- endmacro %}

{% macro spark__list_length(list_column) -%}
    array_size({{ list_column }})
{%- endmacro %}

{#- The texts of a group as one, in the order of another column; nulls are left out. -#}
{% macro joined_in_order(text, separator, position) -%}
    {{ return(adapter.dispatch('joined_in_order', 'linkwork')(text, separator, position)) }}
{%- endmacro %}

{% macro duckdb__joined_in_order(text, separator, position) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ position }})
{%- endmacro %}

{% macro spark__joined_in_order(text, separator, position) -%}
    case
        when count({{ text }}) > 0 then array_join(transform(
            array_sort(collect_list(
                case when {{ text }} is not null then struct({{ position }} as position, {{ text }} as part) end
            )),
            pair -> pair.part
        ), '{{ separator }}')
    end
{%- endmacro %}

{% macro list_has(list_column, item) -%}
    {{ return(adapter.dispatch('list_has', 'linkwork')(list_column, item)) }}
{%- endmacro %}

{% macro duckdb__list_has(list_column, item) -%}
    list_contains({{ list_column }}, {{ item }})
{%- endmacro %}

{% macro spark__list_has(list_column, item) -%}
    array_contains({{ list_column }}, {{ item }})
{%- endmacro %}

{#- The items of a list of text as one text. -#}
{% macro list_text(list_column, separator) -%}
    {{ return(adapter.dispatch('list_text', 'linkwork')(list_column, separator)) }}
{%- endmacro %}

{% macro duckdb__list_text(list_column, separator) -%}
    array_to_string({{ list_column }}, '{{ separator }}')
{%- endmacro %}

{% macro spark__list_text(list_column, separator) -%}
    array_join({{ list_column }}, '{{ separator }}')
{%- endmacro %}
