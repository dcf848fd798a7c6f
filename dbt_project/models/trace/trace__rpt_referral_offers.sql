-- One row per statement about an offer with its practice, source system and year: what it adds to each figure of them.
select
    practice_code,
    source_system,
    {{ period_start('year', 'stated_on') }} as period_start,
    {% for figure, amount in offer_amounts().items() -%}
    {{ amount }} as {{ figure }},
    {% endfor -%}
    person_id,
    offer_id
from {{ ref('fct_referral_offers') }}
