-- One row per referral or person, type of event and day that only statements of a month or year give: the day is the
-- first on which it can have been, `last_on` the last. A day that some statement of that type gives exactly is exact.
-- What counts days between two dates knows by it when the answer is not known.
with facts as (
    {%- for category, about in {
        'referral': 'stream_id', 'engagement': 'correlation_id', 'activity': 'correlation_id',
        'registration': 'subject_key',
    }.items() %}
    select
        {{ about }} as about_key,
        event_type,
        occurred_on,
        occurred_precision
    from {{ ref('int_own_activity' if category == 'activity' else 'stg_log__' ~ category ~ '_events') }}
    where {{ about }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

inexact as (
    select
        about_key,
        event_type,
        occurred_on,
        max(occurred_precision) as coarsest
    from facts
    where occurred_precision in ('month', 'year')
    group by about_key, event_type, occurred_on
),

exact as (
    select distinct
        facts.about_key,
        facts.event_type,
        facts.occurred_on
    from facts
    inner join inexact
        on
            facts.about_key = inexact.about_key
            and facts.event_type = inexact.event_type
            and facts.occurred_on = inexact.occurred_on
    where coalesce(facts.occurred_precision not in ('month', 'year'), true)
)

select
    inexact.about_key,
    inexact.event_type,
    inexact.occurred_on,
    case inexact.coarsest
        when 'year' then {{ period_end(period_start('year', 'inexact.occurred_on'), 12) }}
        else {{ period_end(period_start('month', 'inexact.occurred_on'), 1) }}
    end as last_on
from inexact
left join exact
    on
        inexact.about_key = exact.about_key
        and inexact.event_type = exact.event_type
        and inexact.occurred_on = exact.occurred_on
where exact.about_key is null
