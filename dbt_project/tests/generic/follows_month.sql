{#- Fails for each row whose open_at_start is not the open_at_end of the month before, which is 0 where it has no row. -#}
{% test follows_month(model, keys, month) %}
    with sequenced as (
        select
            *,
            lag({{ month }}) over (partition by {{ keys | join(', ') }} order by {{ month }}) as month_before,
            lag(open_at_end) over (partition by {{ keys | join(', ') }} order by {{ month }}) as open_before,
            lead({{ month }}) over (partition by {{ keys | join(', ') }} order by {{ month }}) as month_after
        from {{ model }}
    )

    select *
    from sequenced
    where
        open_at_start <> case
            when {{ linkwork.period_end('month_before', 1) }} = {{ linkwork.add_days(month, -1) }} then open_before
            else 0
        end
        -- Who is open at the end of a month is there in the next one.
        or (
            open_at_end > 0
            and month_after is not null
            and month_after > {{ linkwork.add_days(linkwork.period_end(month, 1), 1) }}
        )
{% endtest %}
