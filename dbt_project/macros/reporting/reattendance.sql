{#- Lengths of the windows before and after the index, in local calendar days. -#}
{% macro reattendance_windows() -%}
    {{ return([28, 90, 180, 365]) }}
{%- endmacro %}

{#- fct_reattendance with one row per referral: the figures of each window in columns that end in its length. -#}
{% macro reattendance_wide(relation) -%}
    {%- set attributes = [
        'referral_id', 'person_id', 'received_on', 'pcn_code', 'icb_code', 'route', 'sex', 'age_band',
        'inclusion', 'index_basis',
    ] -%}
    {%- set figures = {
        'is_followed': 'is_followed_through',
        'days_before': 'days_before',
        'days_after': 'days_after',
        'gp_contacts_before': 'gp_contacts_before',
        'gp_contacts_after': 'gp_contacts_after',
        'all_clinician_contacts_before': 'all_contacts_before',
        'all_clinician_contacts_after': 'all_contacts_after',
    } -%}
    select
        {{ attributes | join(', ') }},
        {% for days in linkwork.reattendance_windows() -%}
        {% for name, column in figures.items() -%}
        max(case when window_days = {{ days }} then {{ column }} end) as {{ name }}_{{ days }},
        {% endfor -%}
        {% endfor -%}
        dense_rank() over (order by person_id) as person
    from {{ relation }}
    group by {{ attributes | join(', ') }}
{%- endmacro %}
