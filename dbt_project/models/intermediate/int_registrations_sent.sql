-- One row per sender, feed and month of receipt: the registrations that its files state, and how many are on no list.
select
    loads.sender,
    loads.feed,
    {{ delivery_month() }} as month,
    count(distinct registrations.registration_key) as registrations,
    count(distinct case when not {{ is_on_list('registrations') }} then registrations.registration_key end)
        as registrations_off_list
from {{ ref('stg_log__loads') }} as loads
inner join {{ ref('base_log__events') }} as events on loads.load_id = events.load_id
inner join {{ ref('int_registrations') }} as registrations on events.stream_id = registrations.registration_key
where events.event_type = 'registration.started'
group by loads.sender, loads.feed, {{ delivery_month() }}
