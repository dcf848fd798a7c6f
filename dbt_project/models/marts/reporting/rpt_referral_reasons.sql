-- One row per period, area, breakdown group, reason category and way of counting: referrals received and their people.
-- counting any: a referral counts in each of its categories, so shares add up to more than 100 %;
-- counting primary: only the category of its first reason. The category all counts each referral once.
with reasons as (
    select
        *,
        dense_rank() over (order by person_id) as person
    from {{ ref('fct_referral_reasons') }}
),

placed as (
    {{ reporting_rows('reasons', 'received_on') }}
),

by_reason as (
    select
        {{ reporting_keys() }},
        {% for counting, condition in reason_countings().items() -%}
        count(case when {{ condition }} then 1 end) as referrals_{{ counting }},
        count(distinct case when {{ condition }} then person end) as people_{{ counting }},
        {% endfor -%}
        reason_category
    from placed
    group by {{ reporting_keys() }}, reason_category
),

totals as (
    select
        {{ reporting_keys() }},
        count(*) as referrals,
        count(distinct person) as people
    from placed
    where {{ stands_for_referral() }}
    group by {{ reporting_keys() }}
),

long_form as (
    {%- for counting in reason_countings() %}
    select
        {{ reporting_keys() }},
        reason_category,
        '{{ counting }}' as counting,
        referrals_{{ counting }} as referrals,
        people_{{ counting }} as people
    from by_reason
    where referrals_{{ counting }} > 0
    union all
    select
        {{ reporting_keys() }},
        'all' as reason_category,
        '{{ counting }}' as counting,
        referrals,
        people
    from totals
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

mapping as (
    {{ mapping_versions() }}
)

select
    {{ reporting_keys('long_form') }},
    long_form.reason_category,
    long_form.counting,
    areas.area_name,
    long_form.referrals,
    long_form.people,
    totals.referrals as referrals_all,
    totals.people as people_all,
    {{ ratio('long_form.referrals', 'totals.referrals') }} as share,
    {{ wilson('long_form.referrals', 'totals.referrals', 'lower') }} as share_lower,
    {{ wilson('long_form.referrals', 'totals.referrals', 'upper') }} as share_upper,
    mapping.mapping_version,
    breaks.comparability_breaks
from long_form
inner join totals
    on
        long_form.period_type = totals.period_type
        and long_form.period_start = totals.period_start
        and long_form.area_level = totals.area_level
        and long_form.area_code = totals.area_code
        and long_form.breakdown = totals.breakdown
        and long_form.breakdown_group = totals.breakdown_group
left join {{ ref('dim_areas') }} as areas
    on
        long_form.area_level = areas.area_level
        and long_form.area_code = areas.area_code
cross join mapping
left join (
    {{ period_breaks('long_form', affects=['boards', 'reasons']) }}
) as breaks
    on {{ same_in('long_form', 'breaks', area_period_keys()) }}
