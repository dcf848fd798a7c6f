-- One row per referral, service and month in which it was on the service's caseload or the service tried to reach the
-- person for it: what it adds to each figure of the month.
-- A contact counts in its own month whether the referral is on the caseload or not; one that names no received
-- referral counts too, with everything unknown. Waiting is on the caseload without a contact held with that service.
with first_held as (
    select
        referral_key,
        service_code,
        min(first_held_on) as first_held_on
    from {{ ref('int_caseload_contacts') }}
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
    from {{ ref('int_caseload_stayed') }} as stayed
    full outer join {{ ref('int_caseload_contacts') }} as contacts
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
    coalesce(referrals.ltc_group, 'unknown') as ltc_group,
    coalesce(referrals.ltc_count_band, 'unknown') as ltc_count_band
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
