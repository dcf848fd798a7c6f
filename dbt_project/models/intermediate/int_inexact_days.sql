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
    group by about_key, event_type, occurred_on
    having count(case when occurred_precision in ('month', 'year') then 1 end) = count(*)
)

select
    about_key,
    event_type,
    occurred_on,
    case coarsest
        when 'year' then {{ period_end(period_start('year', 'occurred_on'), 12) }}
        else {{ period_end(period_start('month', 'occurred_on'), 1) }}
    end as last_on
from inexact
