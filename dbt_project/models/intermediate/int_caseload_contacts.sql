-- One row per referral, service and month in which the service reached the person for it or tried to; where the
-- referral was never received, for each person apart.
select
    contacts.referral_key,
    case when referrals.referral_key is null then contacts.subject_key end as subject_key,
    coalesce(contacts.service_code, referrals.service_code, 'UNKNOWN') as service_code,
    {{ period_start('month', 'contacts.contact_on') }} as month_start,
    {%- for figure, counted in caseload_contact_counts('contacts.status').items() %}
    {{ counted }} as {{ figure }},
    {%- endfor %}
    min(case when contacts.status = 'held' then contacts.contact_on end) as first_held_on
from {{ ref('int_contacts') }} as contacts
left join {{ ref('int_referrals') }} as referrals
    on
        contacts.referral_key = referrals.referral_key
        and referrals.received_on is not null
where
    {{ is_caseload_contact('contacts.status') }}
    and contacts.contact_on <= (select max(month_end) from {{ ref('int_caseload_months') }})
group by
    contacts.referral_key,
    case when referrals.referral_key is null then contacts.subject_key end,
    coalesce(contacts.service_code, referrals.service_code, 'UNKNOWN'),
    {{ period_start('month', 'contacts.contact_on') }}
