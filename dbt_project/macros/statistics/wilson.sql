{#- Wilson's 95 % interval of a proportion x/n (0 to 1); null when n is 0 or null. bound: 'lower' or 'upper'. -#}
{% macro wilson(x, n, bound) -%}
    {%- set z = '1.959963984540054' -%}
    {%- set sign = '-' if bound == 'lower' else '+' -%}
    {%- set limit = 'greatest(0.0, ' if bound == 'lower' else 'least(1.0, ' -%}
    case
        when {{ n }} > 0
            then {{ limit }}(
                2.0 * {{ x }} + {{ z }} * {{ z }} {{ sign }} {{ z }} * sqrt(
                    {{ z }} * {{ z }} + 4.0 * {{ x }} * (1.0 - cast({{ x }} as double) / {{ n }})
                )
            ) / (2.0 * ({{ n }} + {{ z }} * {{ z }})))
    end
{%- endmacro %}

{#- numerator / denominator as a double; null when the denominator is 0 or null. -#}
{% macro ratio(numerator, denominator) -%}
    case when {{ denominator }} > 0 then cast({{ numerator }} as double) / {{ denominator }} end
{%- endmacro %}
