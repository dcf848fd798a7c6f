-- One row per fact in which a person takes part and which is dated more than `after_death_days` after their death.
-- Up to that many days an entry may be late; later ones are of somebody else, dated wrongly, or the death is wrong.
-- They are kept as they are: the list is for asking whoever sent them.
select
    {{ id_text('facts.fact_id') }} as fact_id,
    {{ id_text('facts.subject_key') }} as person_id,
    coalesce(facts.stated_by, 'UNKNOWN') as stated_by,
    coalesce(nullif(facts.source_system, ''), 'unknown') as source_system,
    facts.category,
    facts.event_type,
    facts.occurred_on,
    facts.died_on,
    cast({{ days_between('facts.died_on', 'facts.occurred_on') }} as integer) as days_after_death
from {{ ref('int_after_death') }} as facts
