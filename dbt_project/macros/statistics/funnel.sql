{#-
What a funnel needs: every row of a relation with its expected count and by how much its variance exceeds Poisson's.

The rows of the same `peers` (a list of columns) are compared with the rate of all of them, observed over exposure
(columns of whole numbers). Their z = (observed - expected) / sqrt(expected) are winsorised at the 10th and 90th
percentile, so that the units a funnel is to find do not widen it. dispersion is the mean of their squares over what it
is for a standard normal (0.6786546), which winsorising by itself makes it. What exceeds Poisson is taken for variance
between units (additive, method of moments of DerSimonian and Laird), never below none: with I units the variance of a
unit's count is expected x inflation, where inflation = 1 + (I dispersion - (I - 1)) n / (N - sum n^2 / N)
(Spiegelhalter, Statistics in Medicine 2005, 24: 1185-1202, and Quality and Safety in Health Care 2005, 14: 347-351).
Where units differ much in size, the z that are winsorised most are those of the largest, and that is too little: so z
are made once more, with the inflated variance, and inflation is multiplied by their dispersion where that exceeds 1.
Columns added: peer_units, peer_observed, peer_exposure, expected, dispersion (of the first z) and inflation; all but
the first three null without any exposure. Squares are of doubles: Spark keeps six places of a product of decimals. z has
nine places and a percentile of them twelve, so that the last bits of a double, which are each engine's own, never decide.
-#}
{% macro funnel(relation, peers, observed, exposure) -%}
    {%- set columns = peers | join(', ') -%}
    with units as (
        select
            *,
            count(*) over (partition by {{ columns }}) as peer_units,
            cast(sum({{ observed }}) over (partition by {{ columns }}) as bigint) as peer_observed,
            cast(sum({{ exposure }}) over (partition by {{ columns }}) as bigint) as peer_exposure
        from {{ relation }}
    ),

    sized as (
        select
            *,
            cast(peer_observed as double) * {{ exposure }} / nullif(peer_exposure, 0) as expected,
            cast(cast({{ exposure }} as double) / nullif(peer_exposure, 0) as decimal(28, 12)) as part
        from units
    ),

    inflated_0 as (
        select
            *,
            case when expected is not null then cast(1.0 as double) end as inflation_0,
            cast(
                sum(cast(cast(part as double) * part as decimal(28, 12))) over (partition by {{ columns }}) as double
            ) as squared_parts
        from sized
    ),

    {% for step in [1, 2] -%}
    scored_{{ step }} as (
        select
            *,
            cast(
                case
                    when expected > 0 then ({{ observed }} - expected) / sqrt(expected * inflation_{{ step - 1 }})
                    else 0
                end as decimal(28, 9)
            ) as z_{{ step }}
        from inflated_{{ step - 1 }}
    ),

    spread_{{ step }} as (
        select
            {{ columns }},
            percentile_cont(0.1) within group (order by cast(z_{{ step }} as double)) as z_low,
            percentile_cont(0.9) within group (order by cast(z_{{ step }} as double)) as z_high
        from scored_{{ step }}
        group by {{ columns }}
    ),

    winsorised_{{ step }} as (
        select
            scored.*,
            cast(least(greatest(scored.z_{{ step }}, spread.z_low), spread.z_high) as decimal(28, 12))
                as kept_{{ step }}
        from scored_{{ step }} as scored
        inner join spread_{{ step }} as spread
            on {% for column in peers -%}
            scored.{{ column }} = spread.{{ column }}{{ ' and ' if not loop.last }}
            {%- endfor %}
    ),

    dispersed_{{ step }} as (
        select
            *,
            cast(
                sum(cast(cast(kept_{{ step }} as double) * kept_{{ step }} as decimal(28, 12)))
                over (partition by {{ columns }})
                as double
            ) / (0.6786546 * peer_units) as dispersion_{{ step }}
        from winsorised_{{ step }}
    ),

    inflated_{{ step }} as (
        select
            *,
            {%- if step == 1 %}
            case
                when peer_units > 1 and squared_parts < 1
                    then 1.0 + greatest(0.0, peer_units * dispersion_1 - (peer_units - 1)) * part / (1 - squared_parts)
                else inflation_0
            end as inflation_1
            {%- else %}
            inflation_1 * greatest(1.0, dispersion_2) as inflation_2
            {%- endif %}
        from dispersed_{{ step }}
    ){{ ',' if not loop.last }}

    {% endfor -%}
    select
        *,
        case when expected is not null then dispersion_1 end as dispersion,
        inflation_2 as inflation
    from inflated_2
{%- endmacro %}

{#-
Limit of a funnel as a count: what 95 % (p 0.975) or 99.8 % (p 0.999) of units do not pass if nothing is unusual about
them. The quantile of Poisson's distribution by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.2.49) with
a correction for continuity: expected ± k sqrt(expected) + (k^2 - 1)/6 ± 1/2, where k = z sqrt(inflation). The next term
would bring both limits nearer; it is left out, so that not more units pass than should, however few are expected.
A lower limit of 0 is passed by none; it is 0 too where fewer than k^2 / 4 are expected, of which no count is too few.
-#}
{% macro funnel_limit(expected, inflation, bound, p) -%}
    {%- set z = linkwork.normal_quantile(p) | float -%}
    {#- With an exponent a number is a double on both engines; each turns a decimal into one in its own way. -#}
    {%- set spread = z ~ 'e0 * sqrt(' ~ inflation ~ ' * ' ~ expected ~ ')' -%}
    {%- set skew = '(' ~ (z * z) ~ 'e0 * ' ~ inflation ~ ' - 1.0) / 6.0' -%}
    {%- if bound == 'lower' -%}
    case
        when 4 * {{ expected }} > {{ z * z }}e0 * {{ inflation }}
            then greatest(0.0, {{ expected }} - {{ spread }} + {{ skew }} - 0.5)
        when {{ expected }} >= 0 then 0.0
    end
    {%- else -%}
    {{ expected }} + {{ spread }} + {{ skew }} + 0.5
    {%- endif -%}
{%- endmacro %}
