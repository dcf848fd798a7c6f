{#- Overrides dbt-duckdb's tables and dbt's views. A build begins with a new file and replaces the old one as a whole, so
    nothing has to be made beside a relation of the same name, renamed and dropped: that is four statements for each of
    two hundred. By hand in a file that was built before, it is replaced in one transaction. Comments, hooks and contracts
    are as usual. -#}
{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
    {{ return(linkwork.made_at_once(this.incorporate(type="table"))) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {{ return(linkwork.made_at_once(this.incorporate(type="view"))) }}
{% endmaterialization %}

{% macro made_at_once(relation) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {{ drop_relation_if_exists(load_cached_relation(this)) }}
    {%- call statement("main") -%}
        {{ create_table_as(False, relation, sql) if relation.is_table else get_create_view_as_sql(relation, sql) }}
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [relation]}) }}
{%- endmacro %}
