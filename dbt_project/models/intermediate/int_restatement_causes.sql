-- One row per mart, fact that changed since the earlier release, what became of it, and place of a referral it bears
-- on. A referral has a place for the day of receipt that holds, and for every other that was ever stated: a figure
-- falls where it was. What changed about a person bears on all referrals of that person, and on no place in
-- particular: nobody keeps where they stood before.
with bears_on as (
    {%- for mart, categories in restated_by().items() %}
    {%- set last_mart = loop.last %}
    {%- for category in categories %}
    select
        '{{ mart }}' as mart,
        '{{ category }}' as category
    {%- if not (last_mart and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

bearing as (
    select
        bears_on.mart,
        changes.fact_id,
        changes.category,
        changes.cause,
        changes.referral_key,
        changes.subject_key
    from {{ ref('stg_log__changes') }} as changes
    inner join bears_on on changes.category = bears_on.category
    where changes.is_since
),

holding as (
    select
        referrals.referral_key,
        referrals.subject_key,
        referrals.received_on,
        attributes.practice_code,
        attributes.pcn_code,
        attributes.icb_code
    from {{ ref('int_referrals') }} as referrals
    inner join {{ ref('int_referral_attributes') }} as attributes
        on referrals.referral_key = attributes.referral_key
),

stated as (
    select
        {{ id_text('referral_key') }}
        || ' ' || cast(occurred_on as string)
        || ' ' || coalesce(practice_code, '') as statement,
        referral_key,
        subject_key,
        occurred_on as received_on,
        practice_code as stated_practice_code
    from {{ ref('stg_log__changes') }}
    where
        event_type = 'referral.received'
        and occurred_on is not null
    group by referral_key, subject_key, occurred_on, practice_code
),

stated_places as (
    {{ person_as_at(asked='stated', keys=['statement'], day='received_on', practice='stated_practice_code') }}
),

places as (
    select
        referral_key,
        {{ period_start('month', 'received_on') }} as period_start,
        practice_code,
        pcn_code,
        icb_code
    from holding
    union distinct
    select
        stated.referral_key,
        {{ period_start('month', 'stated.received_on') }} as period_start,
        stated_places.practice_code,
        stated_places.pcn_code,
        stated_places.icb_code
    from stated
    inner join stated_places on stated.statement = stated_places.statement
),

borne as (
    select
        mart,
        fact_id,
        category,
        cause,
        referral_key,
        false as is_anywhere
    from bearing
    where category in ('referral', 'engagement', 'activity')
    union distinct
    select
        bearing.mart,
        bearing.fact_id,
        bearing.category,
        bearing.cause,
        holding.referral_key,
        bearing.category <> 'appointment' as is_anywhere
    from bearing
    inner join holding on bearing.subject_key = holding.subject_key
    where bearing.category in ('appointment', 'registration', 'person')
)

select
    borne.mart,
    borne.fact_id,
    borne.category,
    borne.cause,
    borne.is_anywhere,
    places.referral_key,
    places.period_start,
    places.practice_code,
    places.pcn_code,
    places.icb_code
from borne
inner join places on borne.referral_key = places.referral_key
