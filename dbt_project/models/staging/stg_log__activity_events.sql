-- One row per effective fact of category activity: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('activity', ['asset_id', 'category', 'delivery', 'role', 'cancelled_by']) }}
