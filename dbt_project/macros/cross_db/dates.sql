{#- Date arithmetic. Calendar days only: no rule of this project counts hours. -#}

{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'linkwork')(day, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(day, days) -%}
    ({{ day }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(day, days) -%}
    date_add({{ day }}, cast({{ days }} as int))
{%- endmacro %}

{#- Whole days from the first day to the last; negative if the last comes first. -#}
{% macro days_between(first_day, last_day) -%}
    {{ return(adapter.dispatch('days_between', 'linkwork')(first_day, last_day)) }}
{%- endmacro %}

{% macro duckdb__days_between(first_day, last_day) -%}
    date_diff('day', {{ first_day }}, {{ last_day }})
{%- endmacro %}

{% macro spark__days_between(first_day, last_day) -%}
    datediff({{ last_day }}, {{ first_day }})
{%- endmacro %}

{#- The calendar date in England of an instant. Facts carry their own occurred_on; this is for other instants. -#}
{% macro local_date(instant) -%}
    {{ return(adapter.dispatch('local_date', 'linkwork')(instant)) }}
{%- endmacro %}

{#- Time in England is never behind that of UTC since 1970, nor two hours before it: only late in the evening the day
    depends on the time of year, which takes DuckDB twenty times as long. -#}
{% macro duckdb__local_date(instant) -%}
    case
        when epoch_us({{ instant }}) >= 0 and epoch_us({{ instant }}) % 86400000000 < 79200000000
            then date '1970-01-01' + cast(epoch_us({{ instant }}) // 86400000000 as integer)
        else cast(timezone('Europe/London', {{ instant }}) as date)
    end
{%- endmacro %}

{% macro spark__local_date(instant) -%}
    to_date(from_utc_timestamp({{ instant }}, 'Europe/London'))
{%- endmacro %}

{% macro period_start(period, day) -%}
    cast(date_trunc('{{ period }}', {{ day }}) as date)
{%- endmacro %}

{#- The last day of the month, quarter or year that begins on a day. -#}
{% macro period_end(start, months) -%}
    {{ return(adapter.dispatch('period_end', 'linkwork')(start, months)) }}
{%- endmacro %}

{% macro duckdb__period_end(start, months) -%}
    cast({{ start }} + interval {{ months }} month - interval 1 day as date)
{%- endmacro %}

{% macro spark__period_end(start, months) -%}
    date_sub(add_months({{ start }}, {{ months }}), 1)
{%- endmacro %}

{#- Age in completed years on a day. Only the month of birth is known, so a birthday counts from the 1st. -#}
{% macro age_in_years(birth_month, day) -%}
    cast(
        floor(
            (
                (extract(year from {{ day }}) - extract(year from {{ birth_month }})) * 12
                + extract(month from {{ day }}) - extract(month from {{ birth_month }})
            ) / 12.0
        ) as integer
    )
{%- endmacro %}

{#- Every day from the first to the last of a relation's two columns, as a column `day`. -#}
{% macro days_between_columns(relation, first_day, last_day) -%}
    {{ return(adapter.dispatch('days_between_columns', 'linkwork')(relation, first_day, last_day)) }}
{%- endmacro %}

{% macro duckdb__days_between_columns(relation, first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as day
    from {{ relation }}
{%- endmacro %}

{% macro spark__days_between_columns(relation, first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as day
    from {{ relation }}
{%- endmacro %}

{#- Monday is 1, Sunday 7. -#}
{% macro weekday(day) -%}
    {{ return(adapter.dispatch('weekday', 'linkwork')(day)) }}
{%- endmacro %}

{% macro duckdb__weekday(day) -%}
    isodow({{ day }})
{%- endmacro %}

{% macro spark__weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}
