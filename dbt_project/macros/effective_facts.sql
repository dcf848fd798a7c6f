{#-
The effective facts of one category: per fact_id the event with the newest assertion, if it states something.

At one instant a contest outranks a statement and a resolution outranks a contest; the event id only makes the choice
repeatable. The choice is made on a whole event, never column by column, so that a null of the newest assertion stays
a null. A fact whose newest event is a retraction or a contest has no row. Most facts were stated once: only those
that were not are compared, an aggregate over a few rows and not a row number over the whole log.

Ids of events, load and arrival stop here: they depend on the order of delivery, which no fact does.
-#}
{% macro effective_facts(category, payload) -%}
    with statements as (
        select *
        from {{ ref('base_log__events') }}
        where category = '{{ category }}'
    ),

    restated as (
        select fact_id
        from statements
        group by fact_id
        having count(*) > 1
    ),

    newest as (
        select
            statements.fact_id,
            max({{ linkwork.pack([
                ['assertion', linkwork.instant_order('statements.asserted_at')],
                ['kind_rank', 'statements.kind_rank'],
                ['event_id', 'statements.event_id'],
            ]) }}) as winner
        from statements
        inner join restated on statements.fact_id = restated.fact_id
        group by statements.fact_id
    )

    select
        statements.fact_id,
        statements.stream_id,
        statements.correlation_id,
        statements.event_type,
        statements.occurred_at,
        statements.occurred_on,
        statements.occurred_precision,
        statements.subject_key,
        statements.identity_quality,
        statements.practice_code,
        statements.performer_code,
        statements.provider_code,
        statements.source_system
        {%- for column in payload %},
        statements.{{ category }}_{{ column }}
        {%- endfor %}
    from statements
    left join newest on statements.fact_id = newest.fact_id
    where
        statements.revision_kind in ('original', 'revision', 'resolution')
        and (
            newest.fact_id is null
            or (
                statements.event_id = newest.winner.event_id
                and statements.kind_rank = newest.winner.kind_rank
            )
        )
{%- endmacro %}
