-- One row per received referral: who referred, whether one link worker stayed with the person, and whether the referrer
-- was told. A figure's column holds what the referral adds to it.
-- Continuity is asked of referrals with two or more contacts held by a named worker. Whether messages were sent back is
-- known of the services that have reported any; of the others it is null, not none.
with messages as (
    select
        referral_key,
        count(*) as messages_back
    from {{ ref('int_messages_back') }}
    where referral_key is not null
    group by referral_key
),

reporters as (
    select distinct coalesce(service_code, 'UNKNOWN') as service_code
    from {{ ref('int_messages_back') }}
)

select
    referrals.referral_id,
    referrals.person_id,
    coalesce(referrals.service_code, 'UNKNOWN') as service_code,
    referrals.received_on,
    referrals.practice_code,
    referrals.pcn_code,
    referrals.icb_code,
    {%- for breakdown in reporting_breakdowns() %}
    referrals.{{ breakdown }},
    {%- endfor %}
    {{ id_text('folded.referrer_key') }} as referrer_id,
    1 as referrals,
    case when folded.referrer_key is null then 0 else 1 end as referrals_with_referrer,
    case when continuity.referral_key is null then 0 else 1 end as referrals_in_continuity,
    coalesce(continuity.contacts, 0) as contacts_in_continuity,
    coalesce(continuity.contacts_same_worker, 0) as contacts_same_worker,
    reporters.service_code is not null as is_messaging_known,
    case
        when reporters.service_code is null then null
        when messages.messages_back > 0 then 1
        else 0
    end as referrals_messaged,
    case when reporters.service_code is not null then cast(coalesce(messages.messages_back, 0) as integer) end
        as messages_back
from {{ ref('fct_referrals') }} as referrals
inner join {{ ref('int_referrals') }} as folded
    on referrals.referral_id = {{ id_text('folded.referral_key') }}
left join {{ ref('int_continuity') }} as continuity
    on
        folded.referral_key = continuity.referral_key
        and continuity.contacts >= 2
left join messages on folded.referral_key = messages.referral_key
left join reporters on coalesce(referrals.service_code, 'UNKNOWN') = reporters.service_code
