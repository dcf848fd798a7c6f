-- One row per row of rpt_connections and received referral of its period, practice, group and service: what it adds to
-- each figure.
with placed as (
    {{ reporting_rows(ref('fct_connections'), 'received_on', levels=['practice']) }}
)

select
    {{ reporting_keys('placed') }},
    case when services.is_total then 'all' else placed.service_code end as service_code,
    placed.referral_id,
    placed.person_id,
    placed.referrer_id,
    {%- for figure in connection_figures() %}
    placed.{{ figure }},
    {%- endfor %}
    case when placed.is_messaging_known then 1 else 0 end as referrals_messaging_known
from placed
cross join (
    select false as is_total
    union all
    select true as is_total
) as services
