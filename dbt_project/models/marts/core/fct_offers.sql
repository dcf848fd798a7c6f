-- One row per offer of social prescribing at a practice up to the cut-off, as its codes tell: an episode of statements
-- about one person, how it ended, and the person and organisations as they were on the day of the first.
-- An offer is no referral that a service holds: who declines here was not referred.
with attributes as (
    {{ person_as_at(
        asked=ref('int_offers'), keys=['episode_key'], day='offered_on', practice='stated_practice_code'
    ) }}
)

select
    {{ id_text('offers.episode_key') }} as episode_id,
    {{ id_text('offers.subject_key') }} as person_id,
    coalesce(nullif(offers.source_system, ''), 'unknown') as source_system,
    offers.offered_on,
    offers.outcome,
    cast(offers.statements as integer) as statements,
    {{ cut_columns('attributes') }}
from {{ ref('int_offers') }} as offers
inner join attributes on offers.episode_key = attributes.episode_key
