{#- Lengths of the windows before and after the index, in local calendar days. -#}
{% macro reattendance_windows() -%}
    {{ return([28, 90, 180, 365]) }}
{%- endmacro %}

{#- fct_reattendance with one row per referral: the figures of each window in columns that end in its length. -#}
{% macro reattendance_wide(relation) -%}
    {%- set attributes = [
        'referral_id', 'person_id', 'received_on', 'pcn_code', 'icb_code', 'inclusion', 'index_basis',
    ] + linkwork.reporting_breakdowns() -%}
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

{#- The measures of GP reattendance, and which of a person's countable slots belong to each. -#}
{% macro contact_measures() -%}
    {{ return({'gp_contacts': linkwork.is_gp_slot(), 'all_clinician_contacts': 'true'}) }}
{%- endmacro %}

{#- Whether a slot of int_appointments is a countable contact, and whether it is one with a GP. -#}
{% macro is_countable_slot() -%}
    contact_class in ('gp', 'other_clinician')
{%- endmacro %}

{% macro is_gp_slot() -%}
    contact_class = 'gp'
{%- endmacro %}

{#- Whether an attended slot says what it was, or does not, so that nobody knows whether it is a contact. -#}
{% macro is_classified_slot() -%}
    contact_class in ('gp', 'other_clinician', 'not_an_encounter')
{%- endmacro %}

{% macro is_unclassified_slot() -%}
    contact_class = 'unclassified'
{%- endmacro %}

{#- The conditions by which a contact that lies some days off the index falls on a side of it. -#}
{% macro reattendance_sides() -%}
    {{ return({'before': 'days_off < 0', 'after': 'days_off > 0'}) }}
{%- endmacro %}

{#- Whether a day that lies some days off the index was followed: join condition of person-time and contacts. -#}
{% macro is_followed_day(person_time, contacts) -%}
    -{{ person_time }}.days_before <= {{ contacts }}.days_off
    and {{ person_time }}.days_after >= {{ contacts }}.days_off
{%- endmacro %}

{#- One row per referral with an index and contact of its person within the longest window around it. -#}
{% macro contacts_near_index() -%}
    {%- set longest = linkwork.reattendance_windows() | max -%}
    select
        reattendance.referral_key,
        contacts.subject_key,
        contacts.contact_on,
        contacts.practice_code,
        contacts.has_gp,
        {{ linkwork.days_between('reattendance.index_on', 'contacts.contact_on') }} as days_off
    from {{ ref('int_reattendance_index') }} as reattendance
    inner join {{ ref('int_gp_contacts') }} as contacts
        on
            reattendance.subject_key = contacts.subject_key
            and contacts.contact_on >= {{ linkwork.add_days('reattendance.index_on', -longest) }}
            and contacts.contact_on <= {{ linkwork.add_days('reattendance.index_on', longest) }}
    where reattendance.inclusion = 'included'
{%- endmacro %}

{#-
Which referrals count towards each figure of rpt_gp_reattendance: conditions on a row of reattendance_wide, by the name
of the figure. Those of the first macro do not depend on the window, those of the second do.
-#}
{% macro reattendance_counts() -%}
    {%- set counts = {'referrals': 'true', 'indexes': "inclusion = 'included'"} -%}
    {%- for reason in ['no_index', 'not_covered', 'same_episode'] -%}
        {%- do counts.update({'excluded_' ~ reason: "inclusion = '" ~ reason ~ "'"}) -%}
    {%- endfor -%}
    {%- for basis in ['stated', 'inferred', 'receipt'] -%}
        {%- do counts.update({'indexes_' ~ basis: "inclusion = 'included' and index_basis = '" ~ basis ~ "'"}) -%}
    {%- endfor -%}
    {{ return(counts) }}
{%- endmacro %}

{% macro reattendance_people(measure, days) -%}
    {{ return({
        'people_followed': 'is_followed_' ~ days,
        'people_reattended': 'is_followed_' ~ days ~ ' and ' ~ measure ~ '_after_' ~ days ~ ' > 0',
    }) }}
{%- endmacro %}

{#- What a referral adds to the contacts and person-days of a window: the four sides of the rate ratio. -#}
{% macro reattendance_amounts(measure, days) -%}
    {{ return({
        'contacts_before': measure ~ '_before_' ~ days,
        'person_days_before': 'days_before_' ~ days,
        'contacts_after': measure ~ '_after_' ~ days,
        'person_days_after': 'days_after_' ~ days,
    }) }}
{%- endmacro %}
