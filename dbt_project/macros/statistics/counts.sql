{#-
Limit of Byar's interval of a count x that follows Poisson's distribution (Breslow and Day, Statistical Methods in
Cancer Research II, 1987, page 69): x (1 - 1/(9x) - z/(3 sqrt x))^3 and (x+1) (1 - 1/(9(x+1)) + z/(3 sqrt(x+1)))^3.
The lower limit of 0 is 0. bound: 'lower' or 'upper'; p: 0.975 for 95 % intervals, 0.999 for 99.8 %.
-#}
{% macro byar(x, bound, p=0.975) -%}
    {%- set z = linkwork.normal_quantile(p) | float -%}
    {%- if bound == 'lower' -%}
    case
        when {{ x }} > 0
            then {{ x }} * power(greatest(0.0, 1.0 - 1.0 / (9.0 * {{ x }}) - {{ z }} / (3.0 * sqrt({{ x }}))), 3)
        when {{ x }} = 0 then cast(0.0 as double)
    end
    {%- else -%}
    case
        when {{ x }} >= 0
            then ({{ x }} + 1) * power(
                1.0 - 1.0 / (9.0 * ({{ x }} + 1)) + {{ z }} / (3.0 * sqrt({{ x }} + 1)), 3
            )
    end
    {%- endif -%}
{%- endmacro %}

{#-
Limit of the exact interval of a count x that follows Poisson's distribution, by chi-squared (Garwood, Biometrika 1936,
28: 437-442): half its quantile at 1 - p with 2x degrees of freedom, and at p with 2x + 2. The lower limit of 0 is 0.
x is a whole number; how near the quantile is stands at gamma_quantile.
-#}
{% macro exact_poisson(x, bound, p=0.975) -%}
    {%- if bound == 'lower' -%}
    case
        when {{ x }} = 0 then cast(0.0 as double)
        when {{ x }} > 0 then {{ linkwork.gamma_quantile((1 - p) | round(3), x) }}
    end
    {%- else -%}
    case when {{ x }} >= 0 then {{ linkwork.gamma_quantile(p, '(' ~ x ~ ' + 1)') }} end
    {%- endif -%}
{%- endmacro %}

{#-
Limit of the interval of a count as Public Health England's technical guide has it: exact below 10, Byar's from there.
-#}
{% macro count_limit(x, bound, p=0.975) -%}
    case
        when {{ x }} < 10 then {{ linkwork.exact_poisson(x, bound, p) }}
        else {{ linkwork.byar(x, bound, p) }}
    end
{%- endmacro %}

{#- Limit of the interval of a rate x / n, per so many; null when n is 0 or null. -#}
{% macro rate_limit(x, n, bound, per=1000, p=0.975) -%}
    case when {{ n }} > 0 then {{ per }} * ({{ linkwork.count_limit(x, bound, p) }}) / cast({{ n }} as double) end
{%- endmacro %}

{#-
Limit of an interval of a weighted sum of counts, by Dobson and others (Statistics in Medicine 1991, 10: 457-462):
rate + sqrt(variance / events) (Byar's limit of events - events). For a directly standardised rate that is the sum of
w x / n over the sum of w, variance is the sum of w^2 x / n^2 over the square of the sum of w. For a rate of which one
person gives several events it is the sum over people of the square of theirs, over n^2. Null below 10 events, of which
Public Health England's guide calculates none.
-#}
{% macro dobson(rate, variance, events, bound, p=0.975) -%}
    case
        when {{ events }} >= 10
            then {{ rate }} + sqrt({{ variance }} / {{ events }}) * ({{ linkwork.byar(events, bound, p) }} - {{ events }})
    end
{%- endmacro %}
