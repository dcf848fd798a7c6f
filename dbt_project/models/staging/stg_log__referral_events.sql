-- One row per effective fact of category referral: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('referral', [
    'route', 'referrer_role', 'connector_model', 'reasons', 'decided_on', 'link_worker_key', 'reason',
    'code', 'code_system', 'source_term',
]) }}
