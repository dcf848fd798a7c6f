-- One row per row of fct_caseload_workers and row of fct_caseload that was in the worker's hands in the month.
select
    service_code,
    link_worker_at_end as link_worker_id,
    month_start,
    referral_id,
    person_id
from {{ ref('fct_caseload') }}
where is_on_caseload
union distinct
select
    service_code,
    link_worker_at_start as link_worker_id,
    month_start,
    referral_id,
    person_id
from {{ ref('fct_caseload') }}
where open_at_start = 1
