-- One row per effective fact of category appointment: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('appointment', [
    'hcp_type', 'staff_role', 'mode', 'national_category', 'context_type', 'service_setting',
    'booked_at', 'slot_start', 'cancelled_by',
]) }}
