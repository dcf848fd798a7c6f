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
        'gp_contacts_before_most': 'gp_contacts_before_most',
        'gp_contacts_after_most': 'gp_contacts_after_most',
        'all_clinician_contacts_before_most': 'all_contacts_before_most',
        'all_clinician_contacts_after_most': 'all_contacts_after_most',
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

{#-
The measures of GP reattendance, and which of a person's slots are a contact of each, and which may be: those have their
contact_class, or what it would be, in counted_class.
-#}
{% macro contact_measures() -%}
    {{ return({
        'gp_contacts': {'known': linkwork.is_gp_slot(), 'possible': linkwork.may_be_gp_slot('counted_class')},
        'all_clinician_contacts': {
            'known': linkwork.is_countable_slot(), 'possible': linkwork.is_countable_slot('counted_class'),
        },
    }) }}
{%- endmacro %}

{#- What a slot is, if it was attended: why it counts as a contact of which kind, or why not. -#}
{% macro slot_class(slots) -%}
    case
            when
                {{ linkwork.category_key(slots ~ '.appointment_national_category') }} = 'socialprescribingservice'
                or {{ slots }}.appointment_staff_role = 'R9815'
                then 'link_worker'
            when coalesce({{ linkwork.category_key(slots ~ '.appointment_context_type') }}, '') = '' then 'unclassified'
            when {{ linkwork.category_key(slots ~ '.appointment_context_type') }} <> 'carerelatedencounter'
                then 'not_an_encounter'
            when {{ linkwork.category_key(slots ~ '.appointment_hcp_type') }} = 'gp' then 'gp'
            when
                coalesce({{ linkwork.category_key(slots ~ '.appointment_hcp_type') }}, '')
                in ('', 'unknown', 'notprovided')
                then 'unknown_clinician'
            else 'other_clinician'
        end
{%- endmacro %}

{#-
Whether a slot of int_appointments is a countable contact, whether it is one with a GP, and whether it may be: nobody says
who the person was seen by.
-#}
{% macro is_countable_slot(class='contact_class') -%}
    {{ class }} in ('gp', 'other_clinician', 'unknown_clinician')
{%- endmacro %}

{% macro is_gp_slot(class='contact_class') -%}
    {{ class }} = 'gp'
{%- endmacro %}

{% macro may_be_gp_slot(class='contact_class') -%}
    {{ class }} in ('gp', 'unknown_clinician')
{%- endmacro %}

{% macro is_unknown_clinician_slot() -%}
    contact_class = 'unknown_clinician'
{%- endmacro %}

{#- Whether an attended slot says what it was, or does not, so that nobody knows whether it is a contact. -#}
{% macro is_classified_slot() -%}
    ({{ linkwork.is_countable_slot() }} or contact_class = 'not_an_encounter')
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

{#-
One row per referral with an index and contact, known or possible, of its person within the longest window around it. Both
may be other relations: `indexes` with columns of int_reattendance_index, `contacts` with the `subject_key` and `contact_on`
of int_contact_days. The lists name the columns that are wanted of each.
-#}
{% macro contacts_near_index(
    indexes=none, of_index=['referral_key'], contacts=none, of_contact=['is_contact', 'has_gp', 'may_have_gp']
) -%}
    {%- set longest = linkwork.reattendance_windows() | max -%}
    select
        {% for column in of_index -%}
        reattendance.{{ column }},
        {% endfor -%}
        {% for column in of_contact -%}
        contacts.{{ column }},
        {% endfor -%}
        {{ linkwork.days_between('reattendance.index_on', 'contacts.contact_on') }} as days_off
    from {{ indexes or ref('int_reattendance_index') }} as reattendance
    inner join {{ contacts or ref('int_contact_days') }} as contacts
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
        'people_reattended_most': 'is_followed_' ~ days ~ ' and ' ~ measure ~ '_after_most_' ~ days ~ ' > 0',
    }) }}
{%- endmacro %}

{#- What a referral adds to the contacts and person-days of a window: the four sides of the rate ratio. -#}
{% macro reattendance_amounts(measure, days) -%}
    {{ return({
        'contacts_before': measure ~ '_before_' ~ days,
        'person_days_before': 'days_before_' ~ days,
        'contacts_after': measure ~ '_after_' ~ days,
        'person_days_after': 'days_after_' ~ days,
        'contacts_before_most': measure ~ '_before_most_' ~ days,
        'contacts_after_most': measure ~ '_after_most_' ~ days,
    }) }}
{%- endmacro %}

{#-
Bounds of what rpt_gp_reattendance states, where of some slots nobody says what became or who the person was seen by: what
is stated is the least of a count or rate, and this the most, as if all of them had been attended, and been with a GP. The
ratio is least if all of them had been before the index, and most if after it.
-#}
{% macro reattendance_bounds(ratios) -%}
    {%- set before, after = ratios ~ '.contacts_before_most', ratios ~ '.contacts_after_most' -%}
    {%- set days_before, days_after = ratios ~ '.sum_d', ratios ~ '.sum_b' -%}
    {%- set rate = {
        'before': linkwork.ratio(ratios ~ '.sum_c', days_before), 'after': linkwork.ratio(ratios ~ '.sum_a', days_after),
        'before_most': linkwork.ratio(before, days_before), 'after_most': linkwork.ratio(after, days_after),
    } -%}
    {{ before }},
    {{ after }},
    365.25 * {{ rate['before_most'] }} as rate_before_most,
    365.25 * {{ rate['after_most'] }} as rate_after_most,
    case when {{ before }} > 0 then {{ rate['after'] }} / {{ rate['before_most'] }} end as rate_ratio_least,
    case when {{ ratios }}.sum_c > 0 then {{ rate['after_most'] }} / {{ rate['before'] }} end as rate_ratio_most,
    {{ ratios }}.people_reattended_most,
    {{ linkwork.ratio(ratios ~ '.people_reattended_most', ratios ~ '.people_followed') }} as reattended_share_most
{%- endmacro %}

{#- The contacts of a window, if every slot of which nobody says what became, or who with, had been such a contact. -#}
{% macro contacts_most(measure, days) -%}
    {%- for side in ['before', 'after'] -%}
    cast(sum({{ measure }}_contacts_{{ side }}_most_{{ days }}) as bigint) as contacts_{{ side }}_most
    {{- ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
