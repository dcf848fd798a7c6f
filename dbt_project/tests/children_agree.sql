-- Rows of rpt_children that are not those of the age band 0-17 in rpt_uptake and rpt_referral_reasons, and vice versa.
{%- set keys = 'period_type, period_start, period_end, area_level, area_code' %}

with children as (
    select
        {{ keys }},
        item_kind,
        item,
        referrals,
        people
    from {{ ref('rpt_children') }}
    where breakdown = 'none'
),

bands as (
    select
        {{ keys }},
        'stage' as item_kind,
        stage as item,
        referrals,
        people
    from {{ ref('rpt_uptake') }}
    where breakdown = 'age_band' and breakdown_group = '0-17' and referrals > 0
    union all
    select
        {{ keys }},
        'reason_' || counting as item_kind,
        reason_category as item,
        referrals,
        people
    from {{ ref('rpt_referral_reasons') }}
    where breakdown = 'age_band' and breakdown_group = '0-17' and reason_category <> 'all'
)

select *
from (
    select * from children
    except
    select * from bands
) as only_children
union all
select *
from (
    select * from bands
    except
    select * from children
) as only_bands
