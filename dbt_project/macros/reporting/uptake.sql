{#-
The stages of uptake, in order. Of the referrals that are candidates for a stage, some reached it; of the others, some
are resolved. The mart counts by these conditions, and its trace finds the referrals behind a figure by them.
-#}
{% macro uptake_stages() -%}
    {%- set accepted = "enrolment_outcome = 'accepted'" -%}
    {%- set contacted = accepted ~ ' and first_contact_held_on is not null' -%}
    {%- set onward = contacted ~ ' and first_onward_on is not null' -%}
    {%- set answered = "enrolment_outcome <> 'open'" -%}
    {#- phase, stage, who is a candidate, who of them reached it, who of the others is resolved -#}
    {{ return([
        ('enrolment', 'referred', 'true', 'true', 'true'),
        ('enrolment', 'open', 'true', "enrolment_outcome = 'open'", 'true'),
        ('enrolment', 'rejected', 'true', "enrolment_outcome = 'rejected'", answered),
        ('enrolment', 'declined', 'true', "enrolment_outcome = 'declined'", answered),
        ('enrolment', 'closed_unanswered', 'true', "enrolment_outcome = 'closed_unanswered'", answered),
        ('enrolment', 'accepted', 'true', accepted, answered),
        ('engagement', 'contacted', accepted, 'first_contact_held_on is not null', 'is_ended'),
        ('engagement', 'plan_agreed', contacted, 'plan_agreed_on is not null', 'is_ended'),
        ('engagement', 'onward', contacted, 'first_onward_on is not null', 'is_ended'),
        ('adherence', 'activity_attended', onward, 'first_activity_attended_on is not null', 'is_ended'),
        ('adherence', 'completed', accepted, "coalesce(closure_reason = 'completed', false)", 'is_ended'),
    ]) }}
{%- endmacro %}

{#- Which referrals count towards each figure of a stage: conditions by the name of the figure in rpt_uptake. -#}
{% macro uptake_figures(candidate, reached, resolved) -%}
    {{ return({
        'referrals': candidate ~ ' and ' ~ reached,
        'candidates': candidate,
        'denominator': candidate ~ ' and (' ~ reached ~ ' or ' ~ resolved ~ ')',
    }) }}
{%- endmacro %}
