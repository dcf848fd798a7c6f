-- One row per practice, source system and year: what was coded about offers, and how often the same was coded again.
-- Suppliers differ in how the code of a referral is used, so that practices are to be compared within one system only.
with counted as (
    select
        practice_code,
        source_system,
        {{ period_start('year', 'stated_on') }} as period_start,
        {% for figure, amount in offer_amounts().items() -%}
        cast(sum({{ amount }}) as bigint) as {{ figure }},
        {% endfor -%}
        count(distinct person_id) as people
    from {{ ref('fct_referral_offers') }}
    group by practice_code, source_system, {{ period_start('year', 'stated_on') }}
)

select
    practice_code,
    source_system,
    period_start,
    statements,
    people,
    offered,
    accepted,
    declined,
    accepted_codes,
    accepted_repeats,
    {{ ratio('accepted_repeats', 'accepted_codes') }} as repeat_share,
    coalesce(
        {{ ratio('accepted_repeats', 'accepted_codes') }} >= {{ var('repeated_codes_share') }}, false
    ) as is_over_counted
from counted
