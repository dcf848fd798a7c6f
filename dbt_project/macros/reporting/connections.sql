{#- The figures of connections: what each row of fct_connections adds to them. -#}
{% macro connection_figures() -%}
    {{ return([
        'referrals', 'referrals_with_referrer', 'referrals_in_continuity', 'contacts_in_continuity',
        'contacts_same_worker', 'referrals_messaged', 'messages_back',
    ]) }}
{%- endmacro %}
