{#- What can be said of the measures of an episode, for one figure of an instrument: exactly one of these. -#}
{% macro outcome_states() -%}
    {{ return([
        'paired', 'follow_up_missing', 'follow_up_open', 'baseline_open', 'measured_late', 'not_scored', 'not_measured',
    ]) }}
{%- endmacro %}

{#- Which way a pair went, by the direction of its scale; and by more than the error of measurement. -#}
{% macro outcome_directions() -%}
    {{ return({'better': 'improvement > 0', 'same': 'improvement = 0', 'worse': 'improvement < 0'}) }}
{%- endmacro %}

{% macro outcome_reliable() -%}
    {{ return({
        'reliably_improved': 'improvement >= reliable_change',
        'not_reliably_changed': 'abs(improvement) < reliable_change',
        'reliably_deteriorated': 'improvement <= -reliable_change',
    }) }}
{%- endmacro %}

{#- Which rows of fct_outcome_pairs count towards each figure of rpt_outcomes: conditions by its name. -#}
{% macro outcome_figures() -%}
    {%- set figures = {
        'referred': 'true',
        'with_baseline': "state in ('paired', 'follow_up_missing', 'follow_up_open')",
    } -%}
    {%- for state in linkwork.outcome_states() -%}
        {%- do figures.update({state: "state = '" ~ state ~ "'"}) -%}
    {%- endfor -%}
    {%- do figures.update(linkwork.outcome_directions()) -%}
    {%- do figures.update(linkwork.outcome_reliable()) -%}
    {{ return(figures) }}
{%- endmacro %}

{#-
One row of fct_outcome_pairs with bands for every period, area, breakdown group and band it lay in, with 1 or 0 for the
baseline and the follow-up. Argument: fct_outcome_pairs, its pairs alone, or a relation with all its columns.
-#}
{% macro band_rows(relation) -%}
    select
        placed.*,
        1 as at_baseline,
        case when placed.baseline_band = placed.follow_up_band then 1 else 0 end as at_follow_up,
        placed.baseline_band as band
    from (
        {{ linkwork.reporting_rows(relation, 'received_on') }}
    ) as placed
    where placed.baseline_band is not null
    union all
    select
        placed.*,
        0 as at_baseline,
        1 as at_follow_up,
        placed.follow_up_band as band
    from (
        {{ linkwork.reporting_rows(relation, 'received_on') }}
    ) as placed
    where
        placed.follow_up_band is not null
        and coalesce(placed.baseline_band, '') <> placed.follow_up_band
{%- endmacro %}
