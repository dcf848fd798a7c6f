-- One row per quarter, practice and measure: contacts with a GP, and with any clinician, per 1,000 registered, around
-- the quarter in which referring began. Demand may rise as well as fall; nothing here says why it does.
-- What ends in _most counts the slots of which nobody says what became, or who the person was seen by, as well.
-- Of a quarter without observed days the contacts are not known: null, not none.
-- Rates are of the days that the practice's appointments tell of, as if these were a quarter of 91.3125 days. A person
-- gives many contacts, so the variance adds up the squares of theirs.
{%- set scale = '(1000.0 * 91.3125 / (quarters.registered * cast(quarters.days_observed as double)))' %}

with contacts as (
    {{ demand_contacts() }}
),

by_person as (
    select
        quarter_start,
        practice_code,
        measure,
        person_id,
        sum(contacts) as contacts,
        sum(contacts_most) as contacts_most
    from contacts
    group by quarter_start, practice_code, measure, person_id
),

counted as (
    select
        quarter_start,
        practice_code,
        measure,
        cast(sum(contacts) as bigint) as contacts,
        cast(sum(contacts_most) as bigint) as contacts_most,
        count(case when contacts > 0 then 1 end) as people,
        cast(sum(contacts * contacts) as double) as squares
    from by_person
    group by quarter_start, practice_code, measure
),

referred as (
    select
        period_start as quarter_start,
        practice_code,
        count(*) as referrals
    from (
        {{ funnel_referrals() }}
    ) as referrals
    where period_type = 'quarter'
    group by period_start, practice_code
),

quarters as (
    select
        quarters.*,
        measures.measure,
        coalesce(counted.contacts, case when quarters.days_observed > 0 then 0 end) as contacts,
        coalesce(counted.contacts_most, case when quarters.days_observed > 0 then 0 end) as contacts_most,
        coalesce(counted.people, case when quarters.days_observed > 0 then 0 end) as people,
        coalesce(counted.squares, 0.0) as squares,
        coalesce(referred.referrals, 0) as referrals
    from {{ ref('fct_practice_quarters') }} as quarters
    cross join (
        {%- for measure in demand_measures() %}
        select '{{ measure }}' as measure
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as measures
    left join counted
        on
            {{ same_in('quarters', 'counted', 'quarter_start, practice_code') }}
            and measures.measure = counted.measure
    left join referred on {{ same_in('quarters', 'referred', 'quarter_start, practice_code') }}
),

rated as (
    select
        quarters.*,
        case when registered > 0 and days_observed > 0 then {{ scale }} * contacts end as rate,
        case when registered > 0 and days_observed > 0 then {{ scale }} * contacts_most end as rate_most,
        case when registered > 0 and days_observed > 0 then {{ scale }} * {{ scale }} * squares end as variance
    from quarters
)

select
    rated.quarter_start,
    rated.quarter_end,
    rated.practice_code,
    rated.measure,
    areas.area_name as practice_name,
    rated.pcn_code,
    rated.icb_code,
    rated.contacts,
    rated.contacts_most,
    rated.people,
    rated.registered,
    rated.days_observed,
    rated.days_in_quarter,
    rated.rate,
    {{ dobson('rated.rate', 'rated.variance', 'rated.contacts', 'lower') }} as rate_lower,
    {{ dobson('rated.rate', 'rated.variance', 'rated.contacts', 'upper') }} as rate_upper,
    rated.rate_most,
    rated.referrals,
    rated.rollout_on,
    rated.rollout_basis,
    rated.quarters_since_rollout,
    breaks.comparability_breaks
from rated
left join {{ ref('dim_areas') }} as areas
    on
        areas.area_level = 'practice'
        and rated.practice_code = areas.area_code
left join (
    {{ breaks_crossed(
        'rated', ['quarter_start', 'practice_code', 'measure'], 'quarter_start', 'quarter_end', practice='practice_code'
    ) }}
) as breaks
    on {{ same_in('rated', 'breaks', 'quarter_start, practice_code, measure') }}
