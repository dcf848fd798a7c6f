{#- The figures of connections: what each row of fct_connections adds to them. -#}
{% macro connection_figures() -%}
    {{ return([
        'referrals', 'referrals_with_referrer', 'referrals_in_continuity', 'contacts_in_continuity',
        'contacts_same_worker', 'referrals_messaged', 'messages_back',
    ]) }}
{%- endmacro %}

{#-
One row of fct_connections for every period, practice, breakdown group and service it counts towards, and for all
services together, as `counted_service`. Argument: the relation, fct_connections or one with all its columns.
-#}
{% macro connection_rows(relation) -%}
    select
        placed.*,
        case when services.is_total then 'all' else placed.service_code end as counted_service
    from (
        {{ linkwork.reporting_rows(relation, 'received_on', levels=['practice']) }}
    ) as placed
    cross join (
        select false as is_total
        union all
        select true as is_total
    ) as services
{%- endmacro %}
