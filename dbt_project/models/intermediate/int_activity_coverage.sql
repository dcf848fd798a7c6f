-- One row: the last day that any community group says something about.
-- Which group would report on a referral is not known before it does, so all of them are followed to the same day.
select max(facts.occurred_on) as last_on
from {{ ref('stg_log__activity_events') }} as facts
cross join {{ ref('stg_log__pinned') }} as pinned
where facts.occurred_on <= pinned.cut_off
