{#-
Slope and relative index of inequality of rates over ordered groups: one row per `keys` (a list of columns).

A group stands at its ridit, the middle of its share of the population counted from the first group (most deprived) = 0
to the last = 1. A line through the rates, weighted by population, gives the rate at both ends (Pamuk, Population Studies
1985, 39: 17-31; Mackenbach and Kunst, Social Science and Medicine 1997, 44: 757-771). The slope index is the rate at
the most deprived end less that at the least deprived: positive where the deprived have more. The relative index is
their quotient. The line is a weighted sum of independent rates, so its variance follows from theirs; that of the
logarithm of the quotient by the delta method. The interval of the relative index is that of the logarithm, so null
where an end is not above 0. Null too with one group only.

Arguments: relation; keys; position, column that orders the groups; population, rate and variance, columns. Rates are
per 1,000 or so, not per 1: sums are of decimals with 18 places.
-#}
{% macro inequality(relation, keys, position, population, rate, variance) -%}
    {%- set keys = keys | join(', ') -%}
    {%- set terms = {
        'centre': 'share * ' ~ rate,
        'sxx': 'share * offset_from_middle * offset_from_middle',
        'sxy': 'share * offset_from_middle * ' ~ rate,
        'v_centre': 'share * share * ' ~ variance,
        'v_slope': 'share * share * offset_from_middle * offset_from_middle * ' ~ variance,
        'v_both': 'share * share * offset_from_middle * ' ~ variance,
    } -%}
    with counted as (
        select
            *,
            cast(sum({{ population }}) over (partition by {{ keys }}) as double) as everybody,
            cast(sum({{ population }}) over (
                partition by {{ keys }}
                order by {{ position }}
                rows unbounded preceding
            ) as double) as up_to_here
        from {{ relation }}
        where {{ population }} > 0
    ),

    ridits as (
        select
            *,
            {{ population }} / everybody as share,
            (up_to_here - {{ population }} / 2.0) / everybody - 0.5 as offset_from_middle
        from counted
    ),

    summed as (
        select
            {{ keys }},
            count(*) as index_groups,
            {%- for name, term in terms.items() %}
            cast(sum(cast({{ term }} as decimal(38, 18))) as double) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from ridits
        group by {{ keys }}
    ),

    lines as (
        select
            *,
            case when index_groups > 1 then -sxy / sxx end as slope_index,
            case when index_groups > 1 then v_slope / (sxx * sxx) end as slope_variance,
            case when index_groups > 1 then -v_both / sxx end as covariance
        from summed
    ),

    ends as (
        select
            *,
            case when centre + slope_index / 2 > 0 then centre + slope_index / 2 end as most,
            case when centre - slope_index / 2 > 0 then centre - slope_index / 2 end as least_end
        from lines
    ),

    errors as (
        select
            *,
            sqrt(greatest(
                0.0,
                power(1 / most - 1 / least_end, 2) * v_centre
                + power(1 / most + 1 / least_end, 2) * slope_variance / 4
                + (1 / most - 1 / least_end) * (1 / most + 1 / least_end) * covariance
            )) as log_error
        from ends
    )

    {%- set z = linkwork.normal_quantile(0.975) | float %}

    select
        {{ keys }},
        index_groups,
        slope_index,
        slope_index - {{ z }} * sqrt(slope_variance) as slope_index_lower,
        slope_index + {{ z }} * sqrt(slope_variance) as slope_index_upper,
        most / least_end as relative_index,
        most / least_end * exp(-{{ z }} * log_error) as relative_index_lower,
        most / least_end * exp({{ z }} * log_error) as relative_index_upper
    from errors
{%- endmacro %}
