-- One row per service, link worker (a pseudonym) and month: the worker's caseload, and contacts by who made them.
-- For managing and supervising within the restricted tier only: no figure by worker leaves it. Who is named last, by
-- the acceptance or by anything done, has the referral; a referral that changes hands within a service is handed over.
with sides as (
    select
        service_code,
        link_worker_at_start as link_worker_id,
        month_start,
        sum(open_at_start) as open_at_start,
        sum(case when link_worker_at_start <> link_worker_at_end then 1 else 0 end) as handed_out,
        {%- for figure in caseload_flows()[1:] %}
        0 as {{ figure }},
        {%- endfor %}
        0 as handed_in,
        0 as waiting_at_end,
        0 as contacts_held,
        0 as contacts_attempted,
        0 as contacts_missed
    from {{ ref('fct_caseload') }}
    where open_at_start = 1
    group by service_code, link_worker_at_start, month_start
    union all
    select
        service_code,
        link_worker_at_end as link_worker_id,
        month_start,
        0 as open_at_start,
        0 as handed_out,
        {%- for figure in caseload_flows()[1:] %}
        sum({{ figure }}) as {{ figure }},
        {%- endfor %}
        sum(case when link_worker_at_start <> link_worker_at_end then 1 else 0 end) as handed_in,
        sum(waiting_at_end) as waiting_at_end,
        0 as contacts_held,
        0 as contacts_attempted,
        0 as contacts_missed
    from {{ ref('fct_caseload') }}
    where is_on_caseload
    group by service_code, link_worker_at_end, month_start
    union all
    select
        coalesce(service_code, 'UNKNOWN') as service_code,
        coalesce(link_worker_id, 'unassigned') as link_worker_id,
        {{ period_start('month', 'contact_on') }} as month_start,
        0 as open_at_start,
        0 as handed_out,
        {%- for figure in caseload_flows()[1:] %}
        0 as {{ figure }},
        {%- endfor %}
        0 as handed_in,
        0 as waiting_at_end,
        count(case when status = 'held' then 1 end) as contacts_held,
        count(case when status = 'attempted' then 1 end) as contacts_attempted,
        count(case when status = 'missed' then 1 end) as contacts_missed
    from {{ ref('fct_contacts') }}
    where
        status in ('held', 'attempted', 'missed')
        and contact_on <= (select max(month_end) from {{ ref('fct_caseload') }})
    group by
        coalesce(service_code, 'UNKNOWN'),
        coalesce(link_worker_id, 'unassigned'),
        {{ period_start('month', 'contact_on') }}
)

select
    service_code,
    link_worker_id,
    month_start,
    {%- for figure in caseload_worker_figures() %}
    cast(sum({{ figure }}) as bigint) as {{ figure }},
    {%- endfor %}
    {{ period_end('month_start', 1) }} as month_end
from sides
group by service_code, link_worker_id, month_start
