{#-
Time to an event where not everybody was followed to the end. Both macros take a relation of whole numbers, one row for
each of `keys` and time (whole units from the start): how many had the event at that time, had another event that rules
it out (`competing`) or were last seen then without either (`censored`). They give one row for each of the keys and
horizon: n_start, at_risk (followed to the horizon without either before it), events, competing and censored up to it,
and the estimate with its 95 % limits.

Who is censored at a time was at risk at it. An estimate is null where nobody was followed to the horizon, unless
everybody left had come to an end by then. Limits are those of the log-log transformation, x ** exp(-+ z * se(log(-log x))),
by the delta method, and null where the estimate is 0 or 1 to twelve places. Sums are of decimals, so that no order of
adding changes them.
-#}

{#- Those at risk, and of everybody the probability to have had no event before, at each time. -#}
{% macro survival_steps(counts, keys, time, events, competing, censored) -%}
    {%- set left = events ~ ' + ' ~ competing ~ ' + ' ~ censored -%}
    select
        *,
        exp(cast(coalesce(sum(log_step) over earlier_times, 0) as double)) as surviving
    from (
        select
            *,
            cast(ln(1.0 - cast(ending as double) / nullif(at_risk_then, ending)) as decimal(38, 18)) as log_step
        from (
            select
                {{ keys | join(', ') }},
                {{ time }} as at_time,
                {{ events }} as events,
                {{ competing }} as competing,
                {{ censored }} as censored,
                {{ events }} + {{ competing }} as ending,
                cast(sum({{ left }}) over (partition by {{ keys | join(', ') }}) as bigint) as n_start,
                cast(
                    sum({{ left }}) over (
                        partition by {{ keys | join(', ') }}
                        order by {{ time }} desc
                        rows unbounded preceding
                    ) as bigint
                ) as at_risk_then
            from {{ counts }}
        ) as counted
    ) as stepped
    window earlier_times as (
        partition by {{ keys | join(', ') }}
        order by at_time
        rows between unbounded preceding and 1 preceding
    )
{%- endmacro %}

{#- The columns that both give for each of the keys and horizon. -#}
{% macro survival_totals(keys) -%}
    {{ keys | join(', ') }},
        horizon,
        max(n_start) as n_start,
        cast(sum(case when at_time >= horizon then events + competing + censored else 0 end) as bigint) as at_risk,
        cast(sum(case when at_time <= horizon then events else 0 end) as bigint) as events,
        cast(sum(case when at_time <= horizon then competing else 0 end) as bigint) as competing,
        cast(sum(case when at_time <= horizon then censored else 0 end) as bigint) as censored,
        bool_or(at_time <= horizon and at_risk_then = ending) as is_exhausted
{%- endmacro %}

{% macro horizons_of(horizons) -%}
    (
        {%- for horizon in horizons %}
        select {{ horizon }} as horizon
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as horizons
{%- endmacro %}

{#- What each time adds to sums of fractions, by the name of the sum: worked out once, not for every horizon. -#}
{% macro terms_of_times(sums) -%}
    {%- for name, expression in sums.items() %}
                    cast({{ expression }} as decimal(38, 18)) as {{ name }}_term{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Those sums over the times up to the horizon. -#}
{% macro summed_to_horizon(sums) -%}
    {%- for name in sums %}
                cast(sum(case when at_time <= horizon then {{ name }}_term else 0 end) as double) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- What a time adds to Greenwood's sum, d/(n(n-d)); nothing where nobody is left. -#}
{% macro greenwood_term() -%}
    {{ return('coalesce(cast(ending as double) / at_risk_then / nullif(at_risk_then - ending, 0), 0)') }}
{%- endmacro %}

{#- Estimate and limits from the columns estimate and variance, and whether the horizon was reached. -#}
{% macro log_log_limits() -%}
    {%- set z = '1.959963984540054' -%}
    {%- set se = 'sqrt(greatest(0.0, variance)) / (estimate * abs(ln(estimate)))' -%}
    case when is_reached then round(estimate, 12) end as estimate,
        {%- for bound, sign in {'lower': '', 'upper': '-'}.items() %}
        case
            when is_reached and round(estimate, 12) > 0 and round(estimate, 12) < 1
                then round(power(estimate, exp({{ sign }}{{ z }} * {{ se }})), 12)
        end as {{ bound }}{{ ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}

{#- The probability to have had no event by each horizon: S = product of (1 - d/n), with Greenwood's variance. -#}
{% macro kaplan_meier(counts, keys, horizons, time='time', events='events', censored='censored') -%}
    {%- set sums = {'log_survival': 'coalesce(log_step, 0)', 'greenwood': linkwork.greenwood_term()} -%}
    select
        {{ keys | join(', ') }},
        horizon,
        n_start,
        at_risk,
        events,
        censored,
        {{ linkwork.log_log_limits() }}
    from (
        select
            *,
            at_risk > 0 or is_exhausted as is_reached,
            case when is_exhausted then 0.0 else exp(log_survival) end as estimate,
            case when is_exhausted then 0.0 else exp(2 * log_survival) * greenwood end as variance
        from (
            select
                {{ linkwork.survival_totals(keys) }},
                {{- linkwork.summed_to_horizon(sums) }}
            from (
                select
                    *,
                    {{- linkwork.terms_of_times(sums) }}
                from ({{ linkwork.survival_steps(counts, keys, time, events, '0', censored) }}) as steps
            ) as with_terms
            cross join {{ linkwork.horizons_of(horizons) }}
            group by {{ keys | join(', ') }}, horizon
        ) as summed
    ) as estimated
{%- endmacro %}

{#-
The probability to have had the event by each horizon: F = sum of S(before) * e/n over the times of events, S being the
probability to have had neither event nor a competing one. Its variance, with d = events and competing ones, e = events:
sum of (F(h) - F)² d/(n(n-d)) + S² e(n-e)/n³ - 2 (F(h) - F) S e/n², multiplied out.
-#}
{% macro aalen_johansen(counts, keys, horizons, time='time', events='events', competing='competing', censored='censored') -%}
    {%- set greenwood = linkwork.greenwood_term() -%}
    {%- set own = 'surviving * events / at_risk_then' -%}
    {%- set sums = {
        'estimate': own,
        'a': greenwood,
        'b': 'incidence * ' ~ greenwood,
        'c': 'incidence * incidence * ' ~ greenwood,
        'd': own ~ ' * surviving * (at_risk_then - events) / at_risk_then / at_risk_then',
        'e': own ~ ' / at_risk_then',
        'f': 'incidence * ' ~ own ~ ' / at_risk_then',
    } -%}
    select
        {{ keys | join(', ') }},
        horizon,
        n_start,
        at_risk,
        events,
        competing,
        censored,
        {{ linkwork.log_log_limits() }}
    from (
        select
            *,
            at_risk > 0 or is_exhausted as is_reached,
            estimate * estimate * a - 2 * estimate * b + c + d - 2 * (estimate * e - f) as variance
        from (
            select
                {{ linkwork.survival_totals(keys) }},
                {{- linkwork.summed_to_horizon(sums) }}
            from (
                select
                    *,
                    {{- linkwork.terms_of_times(sums) }}
                from (
                    select
                        *,
                        cast(
                            sum(cast({{ own }} as decimal(38, 18))) over (
                                partition by {{ keys | join(', ') }}
                                order by at_time
                                rows unbounded preceding
                            ) as double
                        ) as incidence
                    from ({{ linkwork.survival_steps(counts, keys, time, events, competing, censored) }}) as steps
                ) as with_incidence
            ) as with_terms
            cross join {{ linkwork.horizons_of(horizons) }}
            group by {{ keys | join(', ') }}, horizon
        ) as summed
    ) as estimated
{%- endmacro %}
