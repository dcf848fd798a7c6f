-- One row per practice code, practice that it means, and validity: a practice itself, and who took it over.
-- A practice that was taken over, by one that was taken over itself, is followed for `succession_steps` steps.
with steps_1 as (
    select
        predecessor_code,
        successor_code,
        effective_on,
        1 as steps
    from {{ ref('stg_reference__practice_successions') }}
),

{% for step in range(2, var('succession_steps') + 1) -%}
steps_{{ step }} as (
    select
        before.predecessor_code,
        later.successor_code,
        greatest(before.effective_on, later.effective_on) as effective_on,
        {{ step }} as steps
    from {{ 'steps_1' if step == 2 else 'steps_' ~ (step - 1) }} as before
    inner join {{ ref('stg_reference__practice_successions') }} as later
        on before.successor_code = later.predecessor_code
    where later.successor_code <> before.predecessor_code
),

{% endfor -%}
followed as (
    select * from steps_1
    {% for step in range(2, var('succession_steps') + 1) -%}
    union all
    select * from steps_{{ step }}
    {% endfor -%}
),

successions as (
    select
        predecessor_code,
        successor_code,
        min(effective_on) as effective_on,
        min(steps) as steps
    from followed
    group by predecessor_code, successor_code
)

select
    practice_code as alias_code,
    0 as nearness,
    organisation_key,
    practice_code,
    pcn_code,
    icb_code,
    valid_from,
    valid_to
from {{ ref('int_organisations') }}
union all
select
    successions.predecessor_code as alias_code,
    -successions.steps as nearness,
    organisations.organisation_key,
    organisations.practice_code,
    organisations.pcn_code,
    organisations.icb_code,
    greatest(organisations.valid_from, successions.effective_on) as valid_from,
    organisations.valid_to
from successions
inner join {{ ref('int_organisations') }} as organisations
    on
        successions.successor_code = organisations.practice_code
        and successions.effective_on <= coalesce(organisations.valid_to, successions.effective_on)
