{#-
What is waited for, one row per referral and wait: the day it came (event_on), the day of what rules it out, and the last
day on which either would be known. A planned closure does not rule out an activity after it.
-#}
{% macro uptake_endpoints(referrals) -%}
    select
        referral_id,
        'first_contact' as endpoint,
        first_contact_held_on as event_on,
        ended_on as ruled_out_on,
        followed_to
    from {{ referrals }}
    union all
    select
        {{ referrals }}.referral_id,
        'first_activity' as endpoint,
        {{ referrals }}.first_activity_attended_on as event_on,
        case
            when
                {{ referrals }}.state = 'closed'
                and coalesce({{ referrals }}.closure_reason in ('completed', 'onward_referral'), false)
                then null
            else {{ referrals }}.ended_on
        end as ruled_out_on,
        case
            when activity.last_on is not null then least({{ referrals }}.followed_to, activity.last_on)
        end as followed_to
    from {{ referrals }}
    cross join {{ ref('int_activity_coverage') }} as activity
    union all
    select
        referral_id,
        'closure' as endpoint,
        case when state = 'closed' then ended_on end as event_on,
        case when state <> 'closed' then ended_on end as ruled_out_on,
        followed_to
    from {{ referrals }}
{%- endmacro %}

{#- The statements that end a wait, by which its end is found again: a condition on a wait and an inexact day. -#}
{% macro is_end_of_wait(waits, inexact) -%}
    case
        when {{ waits }}.outcome = 'censored' then false
        when {{ waits }}.ruled_out_by = 'died' then {{ inexact }}.event_type = 'registration.ended'
        when {{ waits }}.outcome = 'competing' or {{ waits }}.endpoint = 'closure'
            then {{ inexact }}.event_type in ({{ linkwork.referral_end_events() }})
        when {{ waits }}.endpoint = 'first_contact' then {{ inexact }}.event_type = 'contact.held'
        else {{ inexact }}.event_type = 'activity.attended'
    end
{%- endmacro %}

{#- Events that take a referral off a caseload. -#}
{% macro referral_end_events() -%}
    'referral.rejected', 'referral.declined_by_person', 'referral.closed', 'referral.cancelled', 'referral.transferred'
{%- endmacro %}
