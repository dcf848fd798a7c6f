{#-
Which person a pseudonym stands for, from the links in force on a day.

Of each pair of pseudonyms the latest effective day up to the cut-off decides; on one day an end outweighs a merge. One
that was merged into several follows the latest. Chains are followed by doubling: each step looks twice as far as the
one before, so `person_link_doublings` steps reach 2 to that power links. A chain that runs in a circle names nobody as
the one kept: the lowest pseudonym of the circle then stands for all of it.
-#}
{% macro person_links(events, cut_off) -%}
    with stated as (
        {{ linkwork.newest_statements(events, "event_type in ('person.merged', 'person.unmerged')") }}
    ),

    known as (
        select
            stated.subject_key,
            stated.person_merged_into,
            stated.occurred_on,
            stated.event_type,
            least(stated.subject_key, stated.person_merged_into) as one_key,
            greatest(stated.subject_key, stated.person_merged_into) as other_key
        from stated
        cross join {{ ref('stg_log__pinned') }} as pinned
        where
            stated.occurred_on <= pinned.{{ cut_off }}
            and stated.subject_key <> stated.person_merged_into
    ),

    pairs as (
        select
            max(case when event_type = 'person.unmerged' then occurred_on end) as unmerged_on,
            max(case when event_type = 'person.merged' then {{ linkwork.pack([
                ['merged_on', 'occurred_on'],
                ['subject_key', 'subject_key'],
                ['kept_key', 'person_merged_into'],
            ]) }} end) as link
        from known
        group by one_key, other_key
    ),

    links as (
        select
            link.subject_key as subject_key,
            count(*) as kept_keys,
            max({{ linkwork.pack([['merged_on', 'link.merged_on'], ['kept_key', 'link.kept_key']]) }}) as latest
        from pairs
        where link is not null and coalesce(unmerged_on < link.merged_on, true)
        group by link.subject_key
    ),

    reach_0 as (
        select
            subject_key,
            kept_keys,
            latest.kept_key as person_key,
            latest.kept_key as lowest_key
        from links
    ),
    {%- for step in range(1, var('person_link_doublings') + 1) %}

    reach_{{ step }} as (
        select
            here.subject_key,
            here.kept_keys,
            coalesce(beyond.person_key, here.person_key) as person_key,
            least(here.lowest_key, coalesce(beyond.lowest_key, here.lowest_key)) as lowest_key
        from reach_{{ step - 1 }} as here
        left join reach_{{ step - 1 }} as beyond on here.person_key = beyond.subject_key
    ),
    {%- endfor %}

    reached as (
        select * from reach_{{ var('person_link_doublings') }}
    )

    select
        reached.subject_key,
        coalesce(circle.lowest_key, reached.person_key) as person_key,
        reached.kept_keys,
        circle.subject_key is not null as is_circular
    from reached
    left join reached as circle on reached.person_key = circle.subject_key
{%- endmacro %}
