-- One row per fact in which a person takes part and which is dated more than `after_death_days` after their death.
-- Up to that many days an entry may be late; later ones are of somebody else, dated wrongly, or the death is wrong.
-- They are kept as they are: the list is for asking whoever sent them. A death in some month is one on its last day.
with facts as (
    {%- for category in ['appointment', 'referral', 'engagement', 'activity', 'need'] %}
    select
        fact_id,
        '{{ category }}' as category,
        event_type,
        subject_key,
        occurred_on,
        coalesce(provider_code, practice_code) as stated_by,
        source_system
    from {{ ref('stg_log__' ~ category ~ '_events') }}
    where {{ is_of_the_living('event_type') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    facts.*,
    people.died_by as died_on
from facts
inner join {{ ref('stg_log__pinned') }} as pinned on facts.occurred_on <= pinned.cut_off
inner join {{ ref('int_people') }} as people
    on
        facts.subject_key = people.subject_key
        and facts.occurred_on > {{ add_days('people.died_by', var('after_death_days')) }}
