-- One row per sender, feed and month of receipt: what arrived, who it was about and whether they are known.
with loads as (
    select
        *,
        {{ delivery_month() }} as month
    from {{ ref('stg_log__loads') }}
),

registered as (
    select distinct subject_key
    from {{ ref('int_registrations') }}
),

people as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct events.subject_key) as people,
        count(distinct case when events.is_local = 1 then events.subject_key end) as people_local,
        count(distinct registered.subject_key) as people_registered,
        max(events.newest_asserted_at) as newest_asserted_at
    from loads
    inner join {{ ref('stg_log__load_events') }} as events on loads.load_id = events.load_id
    left join registered on events.subject_key = registered.subject_key
    group by loads.sender, loads.feed, loads.month
),

rules as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct refused.rule) as rules_broken
    from loads
    inner join {{ ref('stg_log__quarantine') }} as refused on loads.load_id = refused.load_id
    group by loads.sender, loads.feed, loads.month
),

codes as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        cast(sum(sent.entries) as bigint) as codes,
        cast(sum(case when codes.is_mapped then 0 else sent.entries end) as bigint) as codes_unmapped
    from loads
    inner join {{ ref('stg_log__codes') }} as sent on loads.load_id = sent.load_id
    inner join {{ ref('int_codes') }} as codes
        on
            sent.code_use = codes.code_use
            and sent.code = codes.code
            and sent.code_system = codes.code_system
            and sent.source_system = codes.source_system
            and sent.coded_on = codes.coded_on
    group by loads.sender, loads.feed, loads.month
),

referrals as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct links.record_key) as referrals,
        count(distinct case when links.basis in ({{ linked_bases() }}) then links.record_key end) as referrals_linked,
        count(distinct case when links.basis = 'ambiguous' then links.record_key end) as referrals_ambiguous
    from loads
    inner join {{ ref('base_log__events') }} as events on loads.load_id = events.load_id
    inner join {{ ref('int_referral_links') }} as links on events.stream_id = links.record_key
    where events.event_type = 'referral.received'
    group by loads.sender, loads.feed, loads.month
),

appointments as (
    select
        loads.sender,
        loads.feed,
        loads.month,
        count(distinct slots.appointment_key) as appointments,
        count(distinct case when {{ is_unclassified_slot() }} then slots.appointment_key end)
            as appointments_unclassified,
        count(distinct case when {{ is_unknown_clinician_slot() }} then slots.appointment_key end)
            as appointments_unknown_clinician
    from loads
    inner join {{ ref('base_log__events') }} as events on loads.load_id = events.load_id
    inner join {{ ref('int_appointment_slots') }} as slots on events.stream_id = slots.appointment_key
    where events.event_type = 'appointment.attended'
    group by loads.sender, loads.feed, loads.month
),

fates as (
    select
        sender,
        feed,
        month,
        {% for figure, amount in delivery_amounts().items() -%}
        cast(sum({{ amount }}) as bigint) as {{ figure }},
        {% endfor -%}
        max(case when status in ('committed', 'noop') then received_at end) as last_good_at,
        max(case when status in ('held', 'refused') then received_at end) as last_bad_at
    from loads
    group by sender, feed, month
)

select
    fates.*,
    coalesce(people.people, 0) as people,
    coalesce(people.people_local, 0) as people_local,
    coalesce(people.people_registered, 0) as people_registered,
    coalesce(rules.rules_broken, 0) as rules_broken,
    coalesce(referrals.referrals, 0) as referrals,
    coalesce(referrals.referrals_linked, 0) as referrals_linked,
    coalesce(referrals.referrals_ambiguous, 0) as referrals_ambiguous,
    coalesce(codes.codes, 0) as codes,
    coalesce(codes.codes_unmapped, 0) as codes_unmapped,
    coalesce(appointments.appointments, 0) as appointments,
    coalesce(appointments.appointments_unclassified, 0) as appointments_unclassified,
    coalesce(appointments.appointments_unknown_clinician, 0) as appointments_unknown_clinician,
    coalesce(registrations.registrations, 0) as registrations,
    coalesce(registrations.registrations_off_list, 0) as registrations_off_list,
    people.newest_asserted_at
from fates
left join people
    on
        fates.sender = people.sender
        and fates.feed = people.feed
        and fates.month = people.month
left join rules
    on
        fates.sender = rules.sender
        and fates.feed = rules.feed
        and fates.month = rules.month
left join codes
    on
        fates.sender = codes.sender
        and fates.feed = codes.feed
        and fates.month = codes.month
left join referrals
    on
        fates.sender = referrals.sender
        and fates.feed = referrals.feed
        and fates.month = referrals.month
left join {{ ref('int_registrations_sent') }} as registrations
    on {{ same_in('fates', 'registrations', 'sender, feed, month') }}
left join appointments on {{ same_in('fates', 'appointments', 'sender, feed, month') }}
