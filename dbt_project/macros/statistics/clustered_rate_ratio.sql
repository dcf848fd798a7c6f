{#-
Variance of log(rate after / rate before) with people as clusters.

One person gives several contacts and is followed both before and after, so neither the contacts nor the two periods
are independent. With contacts a and days b after, contacts c and days d before (sums A, B, C, D over n people), person
i moves the log ratio by a_i/A - b_i/B - c_i/C + d_i/D, and the variance is n/(n-1) times the sum of their squares
(linearisation). The square is multiplied out, so that the only sums are those of whole numbers: each of the ten
sums is one of products of products and the result does not depend on the order of the rows.
-#}
{% macro log_rate_ratio_variance() -%}
    {%- set terms = [
        ('a', 'a', '+'), ('b', 'b', '+'), ('c', 'c', '+'), ('d', 'd', '+'),
        ('a', 'b', '- 2 *'), ('a', 'c', '- 2 *'), ('a', 'd', '+ 2 *'),
        ('b', 'c', '+ 2 *'), ('b', 'd', '- 2 *'), ('c', 'd', '- 2 *'),
    ] -%}
    cast(people as double) / (people - 1) * greatest(
        0.0,
        0.0
        {%- for left, right, sign in terms %}
        {{ sign }} cast(sum_{{ left }}{{ right }} as double) / sum_{{ left }} / sum_{{ right }}
        {%- endfor %}
    )
{%- endmacro %}

{#- The sums that log_rate_ratio_variance needs, from one row per person: columns by the letters a, b, c, d. -#}
{% macro products_of_sides(columns) -%}
    {%- for letter, column in columns.items() -%}
        cast(sum({{ column }}) as bigint) as sum_{{ letter }},
    {% endfor -%}
    {%- for pair in ['aa', 'bb', 'cc', 'dd', 'ab', 'ac', 'ad', 'bc', 'bd', 'cd'] -%}
        sum({{ columns[pair[0]] }} * {{ columns[pair[1]] }}) as sum_{{ pair }}{{ ',' if not loop.last }}
    {% endfor -%}
{%- endmacro %}
