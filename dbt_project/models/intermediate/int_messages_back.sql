-- One row per message of a service to the referrer or the practice about what became of a referral.
select
    fact_id as message_key,
    correlation_id as referral_key,
    provider_code as service_code,
    occurred_on as sent_on
from {{ ref('stg_log__engagement_events') }}
where event_type = 'message.sent_back'
