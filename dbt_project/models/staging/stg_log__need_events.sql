-- One row per effective fact of category need: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('need', ['domain', 'code', 'code_system', 'source_term', 'verification_status']) }}
