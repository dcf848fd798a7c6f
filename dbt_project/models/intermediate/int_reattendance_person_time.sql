-- One row per referral with an index and window: the days followed and the GP contacts on them, before and after.
-- Windows are local calendar days that begin the day after (or before) the index, so the referring contact and any
-- other of that day count on neither side. A side is cut short where the person's coverage ends; contacts on days
-- that were not followed do not count.
with indexed as (
    select
        reattendance.*,
        windows.window_days,
        greatest(
            0,
            least(
                windows.window_days,
                {{ days_between('reattendance.covered_from', 'reattendance.index_on') }}
            )
        ) as days_before,
        greatest(
            0,
            least(
                windows.window_days,
                {{ days_between('reattendance.index_on', 'reattendance.covered_to') }}
            )
        ) as days_after
    from {{ ref('int_reattendance_index') }} as reattendance
    cross join (
        {%- for days in reattendance_windows() %}
        select {{ days }} as window_days
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as windows
    where reattendance.inclusion = 'included'
),

nearby as (
    select
        reattendance.referral_key,
        contacts.has_gp,
        {{ days_between('reattendance.index_on', 'contacts.contact_on') }} as days_off
    from {{ ref('int_reattendance_index') }} as reattendance
    inner join {{ ref('int_gp_contacts') }} as contacts
        on
            reattendance.subject_key = contacts.subject_key
            and contacts.contact_on >= {{ add_days('reattendance.index_on', -365) }}
            and contacts.contact_on <= {{ add_days('reattendance.index_on', 365) }}
    where reattendance.inclusion = 'included'
)

select
    indexed.referral_key,
    indexed.window_days,
    indexed.days_before,
    indexed.days_after,
    count(case when nearby.days_off < 0 and nearby.has_gp then 1 end) as gp_contacts_before,
    count(case when nearby.days_off > 0 and nearby.has_gp then 1 end) as gp_contacts_after,
    count(case when nearby.days_off < 0 then 1 end) as all_contacts_before,
    count(case when nearby.days_off > 0 then 1 end) as all_contacts_after
from indexed
left join nearby
    on
        indexed.referral_key = nearby.referral_key
        and -indexed.days_before <= nearby.days_off
        and indexed.days_after >= nearby.days_off
group by indexed.referral_key, indexed.window_days, indexed.days_before, indexed.days_after
