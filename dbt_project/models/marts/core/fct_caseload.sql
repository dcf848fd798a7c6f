-- One row per referral, service and month in which it was on the service's caseload or the service tried to reach the
-- person for it: what it adds to each figure of the month.
-- A contact counts in its own month whether the referral is on the caseload or not; one that names no received
-- referral counts too, with everything unknown. Waiting is on the caseload without a contact held with that service.
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
),

stayed as (
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
),

contacts as (
    select
        contacts.referral_key,
        case when referrals.referral_key is null then contacts.subject_key end as subject_key,
        coalesce(contacts.service_code, referrals.service_code, 'UNKNOWN') as service_code,
        {{ period_start('month', 'contacts.contact_on') }} as month_start,
        {%- for figure, counted in caseload_contact_counts('contacts.status').items() %}
        {{ counted }} as {{ figure }},
        {%- endfor %}
        min(case when contacts.status = 'held' then contacts.contact_on end) as first_held_on
    from {{ ref('int_contacts') }} as contacts
    left join {{ ref('int_referrals') }} as referrals
        on
            contacts.referral_key = referrals.referral_key
            and referrals.received_on is not null
    where
        {{ is_caseload_contact('contacts.status') }}
        and contacts.contact_on <= (select max(month_end) from {{ ref('int_caseload_months') }})
    group by
        contacts.referral_key,
        case when referrals.referral_key is null then contacts.subject_key end,
        coalesce(contacts.service_code, referrals.service_code, 'UNKNOWN'),
        {{ period_start('month', 'contacts.contact_on') }}
),

first_held as (
    select
        referral_key,
        service_code,
        min(first_held_on) as first_held_on
    from contacts
    group by referral_key, service_code
),

months as (
    select
        coalesce(stayed.referral_key, contacts.referral_key) as referral_key,
        contacts.subject_key,
        coalesce(stayed.service_code, contacts.service_code) as service_code,
        coalesce(stayed.month_start, contacts.month_start) as month_start,
        stayed.referral_key is not null as is_on_caseload,
        {%- for figure in caseload_flows() %}
        coalesce(stayed.{{ figure }}, 0) as {{ figure }},
        {%- endfor %}
        {%- for figure in caseload_contacts() %}
        coalesce(contacts.{{ figure }}, 0) as {{ figure }},
        {%- endfor %}
        stayed.last_day
    from stayed
    full outer join contacts
        on
            stayed.referral_key = contacts.referral_key
            and stayed.service_code = contacts.service_code
            and stayed.month_start = contacts.month_start
),

workers as (
    select
        months.referral_key,
        months.service_code,
        months.month_start,
        max(
            case when workers.named_on < months.month_start then {{ pack([
                ['named_on', 'workers.named_on'], ['link_worker_key', 'workers.link_worker_key'],
            ]) }} end
        ) as at_start,
        max({{ pack([
            ['named_on', 'workers.named_on'], ['link_worker_key', 'workers.link_worker_key'],
        ]) }}) as at_end
    from months
    inner join {{ ref('int_caseload_workers') }} as workers
        on
            months.referral_key = workers.referral_key
            and months.last_day >= workers.named_on
    group by months.referral_key, months.service_code, months.month_start
)

select
    {{ id_text('months.referral_key') }} as referral_id,
    coalesce(referrals.person_id, {{ id_text('months.subject_key') }}) as person_id,
    months.service_code,
    months.month_start,
    {{ period_end('months.month_start', 1) }} as month_end,
    months.is_on_caseload,
    {%- for figure in caseload_flows() %}
    cast(months.{{ figure }} as integer) as {{ figure }},
    {%- endfor %}
    case
        when
            months.open_at_end = 1
            and coalesce(first_held.first_held_on > {{ period_end('months.month_start', 1) }}, true)
            then 1
        else 0
    end as waiting_at_end,
    case
        when
            months.open_at_end = 1
            and coalesce(first_held.first_held_on > {{ period_end('months.month_start', 1) }}, true)
            and coalesce(referrals.accepted_on > {{ period_end('months.month_start', 1) }}, true)
            then 1
        else 0
    end as unanswered_at_end,
    case
        when
            months.open_at_end = 1
            and referrals.on_hold_on <= {{ period_end('months.month_start', 1) }}
            and coalesce(referrals.hold_ended_on > {{ period_end('months.month_start', 1) }}, true)
            then 1
        else 0
    end as on_hold_at_end,
    {%- for figure in caseload_contacts() %}
    cast(months.{{ figure }} as integer) as {{ figure }},
    {%- endfor %}
    case
        when months.open_at_start = 1 then coalesce({{ id_text('workers.at_start.link_worker_key') }}, 'unassigned')
    end as link_worker_at_start,
    case
        when months.is_on_caseload then coalesce({{ id_text('workers.at_end.link_worker_key') }}, 'unassigned')
    end as link_worker_at_end,
    coalesce(referrals.practice_code, 'UNKNOWN') as practice_code,
    coalesce(referrals.pcn_code, 'UNKNOWN') as pcn_code,
    coalesce(referrals.icb_code, 'UNKNOWN') as icb_code,
    coalesce(referrals.route, 'unknown') as route,
    coalesce(referrals.sex, 'not_known') as sex,
    coalesce(referrals.age_band, 'unknown') as age_band,
    coalesce(referrals.ethnic_group, 'unknown') as ethnic_group,
    coalesce(referrals.imd_quintile, 'unknown') as imd_quintile,
    coalesce(referrals.ltc_group, 'unknown') as ltc_group
from months
left join {{ ref('fct_referrals') }} as referrals
    on {{ id_text('months.referral_key') }} = referrals.referral_id
left join first_held
    on
        months.referral_key = first_held.referral_key
        and months.service_code = first_held.service_code
left join workers
    on
        months.referral_key = workers.referral_key
        and months.service_code = workers.service_code
        and months.month_start = workers.month_start
