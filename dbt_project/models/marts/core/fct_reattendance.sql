-- One row per received referral and window: days followed and GP contacts before and after the index day.
-- A referral that is left out keeps its rows, with the reason and without figures, so that every one is accounted for.
select
    referrals.referral_id,
    windows.window_days,
    referrals.person_id,
    referrals.received_on,
    referrals.route,
    {{ cut_columns('referrals') }},
    indexed.inclusion,
    indexed.index_basis,
    indexed.index_on,
    cast(times.days_before as integer) as days_before,
    cast(times.days_after as integer) as days_after,
    times.gp_contacts_before,
    times.gp_contacts_after,
    times.all_contacts_before,
    times.all_contacts_after,
    times.gp_contacts_before_most,
    times.gp_contacts_after_most,
    times.all_contacts_before_most,
    times.all_contacts_after_most,
    coalesce(times.days_after = windows.window_days, false) as is_followed_through
from {{ ref('fct_referrals') }} as referrals
inner join {{ ref('int_reattendance_index') }} as indexed
    on referrals.referral_id = {{ id_text('indexed.referral_key') }}
cross join (
    {%- for days in reattendance_windows() %}
    select {{ days }} as window_days
    {%- if not loop.last %} union all{% endif %}
    {%- endfor %}
) as windows
left join {{ ref('int_reattendance_person_time') }} as times
    on
        indexed.referral_key = times.referral_key
        and windows.window_days = times.window_days
