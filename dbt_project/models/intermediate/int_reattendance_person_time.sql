-- One row per referral with an index and window: the days followed and the GP contacts on them, before and after.
-- Windows are local calendar days that begin the day after (or before) the index, so the referring contact and any
-- other of that day count on neither side. A side is cut short where the person's coverage ends; contacts on days
-- that were not followed do not count. What ends in _most counts the slots of which nobody says what became, or who the
-- person was seen by, as well.
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
    {{ contacts_near_index() }}
)

select
    indexed.referral_key,
    indexed.window_days,
    indexed.days_before,
    indexed.days_after
    {%- for contacts, kinds in {
        'gp_contacts': {'': 'nearby.has_gp', '_most': 'nearby.may_have_gp'},
        'all_contacts': {'': 'nearby.is_contact', '_most': 'nearby.referral_key is not null'},
    }.items() %}
    {%- for side, condition in reattendance_sides().items() %}
    {%- for most, kind in kinds.items() %},
    count(case when nearby.{{ condition }} and {{ kind }} then 1 end) as {{ contacts }}_{{ side }}{{ most }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
from indexed
left join nearby
    on
        indexed.referral_key = nearby.referral_key
        and {{ is_followed_day('indexed', 'nearby') }}
group by indexed.referral_key, indexed.window_days, indexed.days_before, indexed.days_after
