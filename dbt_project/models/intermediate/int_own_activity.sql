-- One row per effective fact of category activity that is the person's own part in it.
-- A carer or volunteer who comes along is not the person's own attendance.
{{ config(materialized='view') }}

select *
from {{ ref('stg_log__activity_events') }}
where coalesce(activity_role, 'participant') = 'participant'
