-- One row per row of rpt_connections and received referral of its period, practice, group and service: what it adds to
-- each figure.
with placed as (
    {{ connection_rows(ref('fct_connections')) }}
)

select
    {{ reporting_keys() }},
    counted_service as service_code,
    referral_id,
    person_id,
    referrer_id,
    {%- for figure in connection_figures() %}
    {{ figure }},
    {%- endfor %}
    case when is_messaging_known then 1 else 0 end as referrals_messaging_known
from placed
