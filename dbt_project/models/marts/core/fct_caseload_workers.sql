-- One row per service, link worker (a pseudonym) and month: the worker's caseload, and contacts by who made them.
-- For managing and supervising within the restricted tier only: no figure by worker leaves it. Who is named last, by
-- the acceptance or by anything done, has the referral; a referral that changes hands within a service is handed over.
{%- set handed_over = 'sum(case when link_worker_at_start <> link_worker_at_end then 1 else 0 end)' %}
{%- set at_end = {'handed_in': handed_over} %}
{%- for figure in caseload_flows()[1:] + ['waiting_at_end'] %}
{%- do at_end.update({figure: 'sum(' ~ figure ~ ')'}) %}
{%- endfor %}

with sides as (
    select
        service_code,
        link_worker_at_start as link_worker_id,
        month_start,
        {{ caseload_worker_columns({'open_at_start': 'sum(open_at_start)', 'handed_out': handed_over}) | indent(4) }}
    from {{ ref('fct_caseload') }}
    where open_at_start = 1
    group by service_code, link_worker_at_start, month_start
    union all
    select
        service_code,
        link_worker_at_end as link_worker_id,
        month_start,
        {{ caseload_worker_columns(at_end) | indent(4) }}
    from {{ ref('fct_caseload') }}
    where is_on_caseload
    group by service_code, link_worker_at_end, month_start
    union all
    select
        coalesce(service_code, 'UNKNOWN') as service_code,
        coalesce(link_worker_id, 'unassigned') as link_worker_id,
        {{ period_start('month', 'contact_on') }} as month_start,
        {{ caseload_worker_columns(caseload_contact_counts('status')) | indent(4) }}
    from {{ ref('fct_contacts') }}
    where
        {{ is_caseload_contact('status') }}
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
