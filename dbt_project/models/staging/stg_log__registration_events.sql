-- One row per effective fact of category registration: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('registration', ['end_reason', 'type']) }}
