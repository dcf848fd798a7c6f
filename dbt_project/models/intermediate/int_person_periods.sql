-- One row per person and stretch of days with the same registration: the practice, and what is known of the person.
-- The stretches of a person cover all time without overlap. Only registrations that are on the list count: who is a
-- temporary resident elsewhere stays with the practice where they are registered. Of registrations that overlap the one
-- that began last holds, then the one that ends last. The practice of the stretch describes the person; where it does
-- not, or there is none, their newest description by any does.
{%- set described =
    ['birth_month', 'sex', 'ethnic_category', 'lsoa_code', 'lsoa_vintage', 'ltc_count', 'ltc_group']
%}
with on_list as (
    select *
    from {{ ref('int_registrations') }}
    where {{ is_on_list() }}
),

edges as (
    select
        subject_key,
        cast('0001-01-01' as date) as begins_on
    from {{ ref('int_person_descriptions') }}
    union distinct
    select
        subject_key,
        cast('0001-01-01' as date) as begins_on
    from {{ ref('int_registrations') }}
    union distinct
    select
        subject_key,
        started_on as begins_on
    from on_list
    union distinct
    select
        subject_key,
        {{ add_days('ended_on', 1) }} as begins_on
    from on_list
    where ended_on is not null
),

held as (
    {{ as_at(
        asked='edges',
        keys=['subject_key', 'begins_on'],
        code='subject_key',
        day='begins_on',
        relation='on_list',
        version_code='subject_key',
        valid_from='started_on',
        valid_to='ended_on',
        fields=[['practice_code', 'versions.practice_code']],
    ) }}
),

stretches as (
    select
        edges.subject_key,
        edges.begins_on as valid_from,
        coalesce(
            {{ add_days(
                'lead(edges.begins_on) over (partition by edges.subject_key order by edges.begins_on)', -1
            ) }},
            cast('9999-12-31' as date)
        ) as valid_to,
        held.holding.practice_code
    from edges
    left join held
        on
            edges.subject_key = held.subject_key
            and edges.begins_on = held.begins_on
)

select
    stretches.subject_key,
    stretches.valid_from,
    stretches.valid_to,
    stretches.practice_code,
    {%- for column in described %}
    case when own.subject_key is not null then own.{{ column }} else newest.{{ column }} end as {{ column }},
    {%- endfor %}
    case
        when own.subject_key is not null then 'registered_practice'
        when newest.subject_key is not null then 'newest'
        else 'none'
    end as description_basis
from stretches
left join {{ ref('int_person_descriptions') }} as own
    on
        stretches.subject_key = own.subject_key
        and stretches.practice_code = own.practice_code
left join {{ ref('int_person_descriptions') }} as newest
    on
        stretches.subject_key = newest.subject_key
        and newest.is_newest
