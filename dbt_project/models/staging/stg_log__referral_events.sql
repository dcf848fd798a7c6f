-- One row per effective fact of category referral: what its source says as of its newest assertion.
-- A referral that was entered in error never was one: nothing that anybody says of it is here. (A cancelled one is.)
{{ config(materialized='table') }}

with facts as (
    {{ effective_facts('referral', [
        'route', 'referrer_role', 'referrer_key', 'connector_model', 'reasons', 'decided_on', 'link_worker_key',
        'reason', 'code', 'code_system', 'source_term', 'stated_by', 'cancelled_by', 'transferred_to',
        'shared_reference',
    ]) }}
),

in_error as (
    select distinct stream_id
    from facts
    where event_type = 'referral.entered_in_error'
)

select facts.*
from facts
left join in_error on facts.stream_id = in_error.stream_id
where in_error.stream_id is null
