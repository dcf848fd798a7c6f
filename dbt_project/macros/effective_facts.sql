{#-
The events of a relation that hold: per fact_id the newest assertion, if it states something.

At one instant a contest outranks a statement and a resolution outranks a contest; the event id only makes the choice
repeatable. The choice is made on a whole event, never column by column, so that a null of the newest assertion stays
a null. A fact whose newest event is a retraction or a contest has no row. Most facts were stated once: only those
that were not are compared, an aggregate over a few rows and not a row number over the whole log. The relation is named
three times rather than once in front: DuckDB keeps what is named once, with every column of the log, on disk.
-#}
{% macro newest_statements(events, condition) -%}
    with restated as (
        select fact_id
        from {{ events }}
        where {{ condition }}
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
        from {{ events }} as statements
        inner join restated on statements.fact_id = restated.fact_id
        where {{ condition }}
        group by statements.fact_id
    )

    select statements.*
    from {{ events }} as statements
    left join newest on statements.fact_id = newest.fact_id
    where
        {{ condition }}
        and statements.revision_kind in ('original', 'revision', 'resolution')
        and (
            newest.fact_id is null
            or (
                statements.event_id = newest.winner.event_id
                and statements.kind_rank = newest.winner.kind_rank
            )
        )
{%- endmacro %}

{#-
The effective facts of one category, each about the person its pseudonym stands for (`base_log__subjects`). People who
are left out have none, and nobody has one that belongs to a referral of theirs.

A referral that two senders report has one id from here on, by which other facts name it too, and its facts say whether
its requester or its performer states them (`base_log__referral_links`); not so where `linked` is false.

Ids of events, load and arrival stop here: they depend on the order of delivery, which no fact does.
-#}
{% macro effective_facts(category, payload, linked=true) -%}
    with stated as (
        {{ linkwork.newest_statements(ref('base_log__events'), "category = '" ~ category ~ "'") }}
    )

    select
        stated.fact_id,
        {%- if linked %}
        {{ 'coalesce(own.referral_key, stated.stream_id) as stream_id' if category == 'referral' else 'stated.stream_id' }},
        coalesce(named.referral_key, stated.correlation_id) as correlation_id,
        {%- else %}
        stated.stream_id,
        stated.correlation_id,
        {%- endif %}
        stated.event_type,
        stated.occurred_at,
        stated.occurred_on,
        stated.occurred_precision,
        coalesce(subjects.person_key, stated.subject_key) as subject_key,
        -- Whoever a pseudonym was merged into is known by number: a link names the one that is kept by it.
        case
            when subjects.person_key <> stated.subject_key then 'nhs_number'
            else stated.identity_quality
        end as identity_quality,
        stated.practice_code,
        stated.performer_code,
        stated.provider_code,
        stated.source_system
        {%- for column in payload %},
        {%- if linked and category == 'referral' and column == 'stated_by' %}
        coalesce(own.stated_by, stated.referral_stated_by) as referral_stated_by
        {%- else %}
        stated.{{ category }}_{{ column }}
        {%- endif %}
        {%- endfor %}
    from stated
    {%- if linked %}
    left join {{ ref('base_log__referral_links') }} as named on stated.correlation_id = named.record_key
    {%- if category == 'referral' %}
    left join {{ ref('base_log__referral_links') }} as own on stated.stream_id = own.record_key
    {%- endif %}
    {%- endif %}
    left join {{ ref('base_log__subjects') }} as subjects on stated.subject_key = subjects.subject_key
    left join {{ ref('base_log__excluded_streams') }} as excluded
        on coalesce(stated.correlation_id, stated.stream_id) = excluded.stream_id
    where
        not coalesce(subjects.is_excluded, false)
        and excluded.stream_id is null
{%- endmacro %}
