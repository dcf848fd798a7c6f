{#-
The opt-outs in force on a day, by person and kind. Of a person's statements of a kind the one with the latest effective
day up to the cut-off decides, under whichever pseudonym it was recorded; on one day an opt-out outweighs its end.
-#}
{% macro opt_outs(events, links, cut_off) -%}
    with stated as (
        {{ linkwork.newest_statements(events, "event_type in ('person.opted_out', 'person.opted_in')") }}
    ),

    people as (
        select
            coalesce(links.person_key, stated.subject_key) as person_key,
            coalesce(stated.person_opt_out, 'unstated') as opt_out,
            max(case when stated.event_type = 'person.opted_out' then stated.occurred_on end) as out_on,
            max(case when stated.event_type = 'person.opted_in' then stated.occurred_on end) as in_on
        from stated
        cross join {{ ref('stg_log__pinned') }} as pinned
        left join {{ links }} as links on stated.subject_key = links.subject_key
        where
            stated.occurred_on <= pinned.{{ cut_off }}
            and stated.subject_key is not null
        group by coalesce(links.person_key, stated.subject_key), coalesce(stated.person_opt_out, 'unstated')
    )

    select
        person_key,
        opt_out
    from people
    where out_on is not null and coalesce(out_on >= in_on, true)
{%- endmacro %}
