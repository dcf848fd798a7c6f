{#-
The stages of uptake, in order. Of the referrals that are candidates for a stage, some reached it; of the others, some
are resolved: the referral ended, or the person died. A referral that may yet reach the stage is unresolved, a candidate
for it so far or not, unless it has lapsed: it is open long after its receipt. The mart counts by these conditions, and
its trace finds the referrals behind a figure by them.
-#}
{% macro uptake_stages() -%}
    {%- set accepted = "enrolment_outcome = 'accepted'" -%}
    {%- set contacted = accepted ~ ' and first_contact_held_on is not null' -%}
    {%- set onward = contacted ~ ' and first_onward_on is not null' -%}
    {%- set over = '(is_ended or died_on is not null)' -%}
    {%- set answered = "(enrolment_outcome <> 'open' or died_on is not null)" -%}
    {%- set unanswered = 'not ' ~ answered -%}
    {%- set going_on = 'not ' ~ over -%}
    {#- phase, stage, who is a candidate, who of them reached it, who of the others is resolved, who may yet reach it -#}
    {{ return([
        ('enrolment', 'referred', 'true', 'true', 'true', 'false'),
        ('enrolment', 'open', 'true', "enrolment_outcome = 'open'", 'true', 'false'),
        ('enrolment', 'rejected', 'true', "enrolment_outcome = 'rejected'", answered, unanswered),
        ('enrolment', 'declined', 'true', "enrolment_outcome = 'declined'", answered, unanswered),
        ('enrolment', 'no_response', 'true', "enrolment_outcome = 'no_response'", answered, unanswered),
        ('enrolment', 'closed_unanswered', 'true', "enrolment_outcome = 'closed_unanswered'", answered, unanswered),
        ('enrolment', 'accepted', 'true', accepted, answered, unanswered),
        ('engagement', 'contacted', accepted, 'first_contact_held_on is not null', over,
            going_on ~ ' and not (' ~ contacted ~ ')'),
        ('engagement', 'plan_agreed', contacted, 'plan_agreed_on is not null', over,
            going_on ~ ' and not (' ~ contacted ~ ' and plan_agreed_on is not null)'),
        ('engagement', 'onward', contacted, 'first_onward_on is not null', over,
            going_on ~ ' and not (' ~ onward ~ ')'),
        ('adherence', 'activity_attended', onward, 'first_activity_attended_on is not null', over,
            going_on ~ ' and not (' ~ onward ~ ' and first_activity_attended_on is not null)'),
        ('adherence', 'completed', accepted, "coalesce(state = 'closed' and closure_reason = 'completed', false)", over,
            going_on),
    ]) }}
{%- endmacro %}

{#- One row per received referral and stage it reached, of some stages; `column` names the stage. -#}
{% macro uptake_reached(stages, column) -%}
    {%- for phase, stage, candidate, reached, resolved, unresolved in linkwork.uptake_stages() if stage in stages %}
    select
        referral_id,
        '{{ stage }}' as {{ column }}
    from {{ ref('fct_referrals') }}
    where {{ candidate }} and {{ reached }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- Which referrals count towards each figure of a stage: conditions by the name of the figure in rpt_uptake. -#}
{% macro uptake_figures(candidate, reached, resolved, unresolved) -%}
    {{ return({
        'referrals': candidate ~ ' and ' ~ reached,
        'candidates': candidate,
        'denominator': candidate ~ ' and (' ~ reached ~ ' or ' ~ resolved ~ ')',
        'linked': candidate ~ ' and ' ~ reached ~ ' and link_basis in (' ~ linkwork.linked_bases() ~ ')',
        'ambiguous': candidate ~ ' and ' ~ reached ~ " and link_basis = 'ambiguous'",
        'unresolved': unresolved ~ ' and not is_lapsed',
        'not_followed': 'not is_followed',
    }) }}
{%- endmacro %}

{#- What uptake is broken down by: the usual, and whether it was signposting or a link worker's. -#}
{% macro uptake_breakdowns() -%}
    {{ return(linkwork.reporting_breakdowns() + ['connector_model']) }}
{%- endmacro %}

{#- Working days from the receipt at which the waits of uptake are stated. -#}
{% macro uptake_horizons() -%}
    {{ return([5, 10, 20, 30, 60, 90]) }}
{%- endmacro %}

{#- What a wait adds to each figure that is a sum: expressions by the name of the figure in rpt_uptake_times. -#}
{% macro uptake_wait_amounts() -%}
    {{ return({'working_days_on_hold': 'coalesce(working_days_on_hold, 0)'}) }}
{%- endmacro %}

{#- Which waits count towards each figure of a horizon: conditions by the name of the figure in rpt_uptake_times. -#}
{% macro uptake_wait_figures() -%}
    {%- set timed = 'working_days is not null' -%}
    {{ return({
        'referrals': 'true',
        'n_start': timed,
        'undated': 'not is_dated',
        'no_calendar': 'is_dated and working_days is null',
        'at_risk': timed ~ ' and working_days >= horizon',
        'events': timed ~ " and working_days <= horizon and outcome = 'event'",
        'competing': timed ~ " and working_days <= horizon and outcome = 'competing'",
        'censored': timed ~ " and working_days <= horizon and outcome = 'censored'",
        'on_hold': timed ~ ' and was_on_hold',
        'holds_undated': timed ~ ' and was_on_hold and working_days_on_hold is null',
        'linked': 'link_basis in (' ~ linkwork.linked_bases() ~ ')',
        'ambiguous': "link_basis = 'ambiguous'",
    }) }}
{%- endmacro %}
