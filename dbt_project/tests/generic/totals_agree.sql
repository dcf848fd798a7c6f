{#- Fails for each group of rows over which two columns do not add up to the same. -#}
{% test totals_agree(model, left, right, within) %}
    select
        {{ within | join(', ') }},
        sum({{ left }}) as left_total,
        sum({{ right }}) as right_total
    from {{ model }}
    group by {{ within | join(', ') }}
    having sum({{ left }}) <> sum({{ right }})
{% endtest %}
