{#- The month of receipt that a load counts in. -#}
{% macro delivery_month() -%}
    {{ return(linkwork.period_start('month', 'received_on')) }}
{%- endmacro %}

{#-
What one load adds to each figure of its sender, feed and month: expressions by the name of the figure. The fates of
records count in files that were taken; of files that were held or refused only the records are counted, apart.
-#}
{% macro delivery_amounts() -%}
    {%- set amounts = {'files': '1'} -%}
    {%- for status in ['committed', 'noop', 'held', 'refused', 'retracted'] -%}
        {%- do amounts.update({'files_' ~ status: "case when status = '" ~ status ~ "' then 1 else 0 end"}) -%}
    {%- endfor -%}
    {%- set fates = ['records', 'accepted', 'duplicate', 'superseded', 'conflict', 'quarantined', 'skipped', 'events'] -%}
    {%- for fate in fates -%}
        {%- do amounts.update({
            fate: "case when status in ('committed', 'noop') then coalesce(" ~ fate ~ ", 0) else 0 end"
        }) -%}
    {%- endfor -%}
    {%- do amounts.update({
        'records_not_taken': "case when status in ('held', 'refused', 'retracted') then coalesce(records, 0) else 0 end"
    }) -%}
    {{ return(amounts) }}
{%- endmacro %}
