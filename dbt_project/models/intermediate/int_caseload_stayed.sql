-- One row per referral, service and month in which it was on the service's caseload: how it came, stayed and left.
with stay_months as (
    select
        stays.*,
        months.month_start,
        months.month_end,
        stays.entered_on >= months.month_start as is_entered,
        coalesce(stays.left_on <= months.month_end, false) as is_left
    from {{ ref('int_caseload_stays') }} as stays
    inner join {{ ref('int_caseload_months') }} as months
        on
            stays.entered_on <= months.month_end
            and coalesce(stays.left_on, months.month_start) >= months.month_start
)

select
    referral_key,
    service_code,
    month_start,
    month_end,
    max(case when is_entered then 0 else 1 end) as open_at_start,
    {%- for move, figure in [
        ('new', 'new_referrals'), ('transferred_in', 'transferred_in'), ('reopened', 'reopened'),
    ] %}
    sum(case when is_entered and entered_by = '{{ move }}' then 1 else 0 end) as {{ figure }},
    {%- endfor %}
    {%- for move in ['closed', 'transferred_out'] %}
    sum(case when is_left and left_by = '{{ move }}' then 1 else 0 end) as {{ move }},
    {%- endfor %}
    max(case when is_left then 0 else 1 end) as open_at_end,
    max(case when is_left then left_on else month_end end) as last_day
from stay_months
group by referral_key, service_code, month_start, month_end
