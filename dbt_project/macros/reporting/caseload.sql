{#-
The figures of a caseload: what each row of fct_caseload adds to them. Of stocks and flows the first six reconcile:
open_at_end = open_at_start + new_referrals + transferred_in + reopened - closed - transferred_out.
-#}
{% macro caseload_flows() -%}
    {{ return(['open_at_start', 'new_referrals', 'transferred_in', 'reopened', 'closed', 'transferred_out', 'open_at_end']) }}
{%- endmacro %}

{% macro caseload_figures() -%}
    {{ return(linkwork.caseload_flows() + [
        'waiting_at_end', 'unanswered_at_end', 'contacts_held', 'contacts_attempted', 'contacts_missed',
    ]) }}
{%- endmacro %}

{#- The same by link worker: what changes hands within a service is handed over; nobody has what is unanswered. -#}
{% macro caseload_worker_figures() -%}
    {{ return([
        'open_at_start', 'new_referrals', 'transferred_in', 'reopened', 'handed_in', 'closed', 'transferred_out',
        'handed_out', 'open_at_end', 'waiting_at_end', 'contacts_held', 'contacts_attempted', 'contacts_missed',
    ]) }}
{%- endmacro %}
