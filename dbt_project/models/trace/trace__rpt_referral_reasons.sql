-- One row per row of rpt_referral_reasons and row of fct_referral_reasons that counts in it.
-- counted_category is the category of the core row, which differs from the mart's where that is all.
with placed as (
    {{ reporting_rows(ref('fct_referral_reasons'), 'received_on') }}
),

counted as (
    select
        {{ reporting_keys('placed') }},
        case
            when totals.is_total then 'all'
            else placed.reason_category
        end as reason_category,
        countings.counting,
        placed.referral_id,
        placed.reason_category as counted_category,
        placed.person_id,
        case
            when totals.is_total then {{ stands_for_referral() }}
            {%- for counting, condition in reason_countings().items() %}
            when countings.counting = '{{ counting }}' then {{ condition }}
            {%- endfor %}
        end as is_counted
    from placed
    cross join (
        {%- for counting in reason_countings() %}
        select '{{ counting }}' as counting
        {%- if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as countings
    cross join (
        select false as is_total
        union all
        select true as is_total
    ) as totals
)

select
    {{ reporting_keys() }},
    reason_category,
    counting,
    referral_id,
    counted_category,
    person_id,
    1 as referrals
from counted
where is_counted
