-- One row per sender, feed and month of receipt: what arrived, what was refused, and who is known.
with months as (
    select * from {{ ref('fct_delivery_months') }}
),

overall as (
    select
        sender,
        feed,
        max(last_good_at) as last_good_at,
        max(last_bad_at) as last_bad_at
    from months
    group by sender, feed
)

select
    months.sender,
    months.feed,
    months.month,
    months.sender_name,
    months.sender_kind,
    months.files,
    months.files_committed,
    months.files_noop,
    months.files_held,
    months.files_refused,
    months.files_retracted,
    months.records,
    months.accepted,
    months.duplicate,
    months.superseded,
    months.conflict,
    months.quarantined,
    months.skipped,
    months.records_not_taken,
    months.events,
    {{ ratio('months.quarantined', 'months.records') }} as quarantined_share,
    months.rules_broken,
    months.referrals,
    months.referrals_linked,
    months.referrals_ambiguous,
    {{ ratio('months.referrals_linked', 'months.referrals') }} as linked_share,
    months.codes,
    months.codes_unmapped,
    {{ ratio('months.codes_unmapped', 'months.codes') }} as unmapped_share,
    months.appointments,
    months.appointments_unclassified,
    {{ ratio('months.appointments_unclassified', 'months.appointments') }} as unclassified_share,
    months.appointments_unknown_clinician,
    {{ ratio('months.appointments_unknown_clinician', 'months.appointments') }} as unknown_clinician_share,
    months.registrations,
    months.registrations_off_list,
    months.people,
    months.people_local,
    {{ ratio('months.people_local', 'months.people') }} as identity_local_share,
    months.people_registered,
    {{ ratio('months.people_registered', 'months.people') }} as registered_share,
    months.newest_asserted_at,
    overall.last_good_at,
    overall.last_bad_at,
    sources.contract_version,
    sources.expected_on,
    sources.days_overdue,
    sources.state as source_state
from months
inner join overall
    on
        months.sender = overall.sender
        and months.feed = overall.feed
inner join {{ ref('fct_sources') }} as sources
    on
        months.sender = sources.sender
        and months.feed = sources.feed
