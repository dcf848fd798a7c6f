{#-
Mean of n values and limits of its t-based 95 % interval, from n, their sum and the sum of their squares: mean ± t × s/√n
with n - 1 degrees of freedom (t_quantile) and s² = (Σx² - (Σx)²/n)/(n - 1). Sums are exact numbers, so that the result
does not depend on the order of adding. bound: 'lower' or 'upper'; null for fewer than two values.
-#}
{% macro t_interval(n, total, squares, bound) -%}
    case
        when {{ n }} > 1
            then {{ linkwork.mean_of(n, total) }} {{ '-' if bound == 'lower' else '+' }}
                {{ linkwork.t_quantile(0.975, '(' ~ n ~ ' - 1)') }} * sqrt(
                    greatest(
                        cast(0 as double),
                        cast({{ squares }} as double) - cast({{ total }} as double) * cast({{ total }} as double) / {{ n }}
                    ) / ({{ n }} - 1) / {{ n }}
                )
    end
{%- endmacro %}

{#- The mean of n values with that sum, as a double; null without any. -#}
{% macro mean_of(n, total) -%}
    case when {{ n }} > 0 then cast({{ total }} as double) / {{ n }} end
{%- endmacro %}
