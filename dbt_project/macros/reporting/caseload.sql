{#-
The figures of a caseload: what each row of fct_caseload adds to them. The stocks and flows reconcile:
open_at_end = open_at_start + new_referrals + transferred_in + reopened - closed - transferred_out.
-#}
{% macro caseload_flows() -%}
    {{ return(['open_at_start', 'new_referrals', 'transferred_in', 'reopened', 'closed', 'transferred_out', 'open_at_end']) }}
{%- endmacro %}

{% macro caseload_figures() -%}
    {{ return(
        linkwork.caseload_flows() + ['waiting_at_end', 'unanswered_at_end', 'on_hold_at_end']
        + linkwork.caseload_contacts().keys() | list
    ) }}
{%- endmacro %}

{#- The same by link worker: what changes hands within a service is handed over; nobody has what is unanswered. -#}
{% macro caseload_worker_figures() -%}
    {{ return([
        'open_at_start', 'new_referrals', 'transferred_in', 'reopened', 'handed_in', 'closed', 'transferred_out',
        'handed_out', 'open_at_end', 'waiting_at_end',
    ] + linkwork.caseload_contacts().keys() | list) }}
{%- endmacro %}

{#- The contacts that a caseload counts: the status of a contact by the name of the figure. -#}
{% macro caseload_contacts() -%}
    {{ return({'contacts_held': 'held', 'contacts_attempted': 'attempted', 'contacts_missed': 'missed'}) }}
{%- endmacro %}

{#- Whether a contact is one of them. -#}
{% macro is_caseload_contact(status) -%}
    {{ status }} in ('{{ linkwork.caseload_contacts().values() | join("', '") }}')
{%- endmacro %}

{#- How many contacts of a group count towards each figure: expressions by its name. -#}
{% macro caseload_contact_counts(status) -%}
    {%- set counts = {} -%}
    {%- for figure, counted in linkwork.caseload_contacts().items() -%}
        {%- do counts.update({figure: "count(case when " ~ status ~ " = '" ~ counted ~ "' then 1 end)"}) -%}
    {%- endfor -%}
    {{ return(counts) }}
{%- endmacro %}

{#- Every figure by link worker as a column: the expression given for it, else 0. -#}
{% macro caseload_worker_columns(amounts) -%}
    {%- for figure in linkwork.caseload_worker_figures() %}
    {{ amounts.get(figure, '0') }} as {{ figure }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
