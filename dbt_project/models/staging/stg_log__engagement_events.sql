-- One row per effective fact of category engagement: what its source says as of its newest assertion.
{{ config(materialized='table') }}

{{ effective_facts('engagement', [
    'channel', 'minutes', 'outcome', 'link_worker_key', 'goal_status', 'asset_id', 'support_kind',
    'instrument', 'instrument_version', 'cut_point_version', 'items', 'score', 'value', 'unit',
    'action_what', 'action_who', 'action_planned_on', 'action_status', 'action_confidence',
]) }}
