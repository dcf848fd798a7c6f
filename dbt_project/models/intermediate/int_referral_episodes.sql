-- One row per received referral: which episode of the person with the service it belongs to, and its place in it.
-- A new episode begins when every earlier referral had ended, or `episode_gap_days` after the receipt of the last one.
-- A referral of nobody known is an episode of its own. Two services at a time are two episodes.
with referrals as (
    select
        referral_key,
        coalesce(subject_key, referral_key) as person_key,
        coalesce(service_code, 'UNKNOWN') as service_code,
        received_on,
        ended_on
    from {{ ref('int_referrals') }}
    where received_on is not null
),

earlier as (
    select
        *,
        max(coalesce(ended_on, cast('9999-12-31' as date))) over (
            partition by person_key, service_code
            order by received_on, referral_key
            rows between unbounded preceding and 1 preceding
        ) as earlier_ended_on,
        lag(received_on) over (
            partition by person_key, service_code
            order by received_on, referral_key
        ) as previous_received_on
    from referrals
),

numbered as (
    select
        *,
        sum(
            case
                when previous_received_on is null then 1
                when earlier_ended_on <= received_on then 1
                when received_on >= {{ add_days('previous_received_on', var('episode_gap_days')) }} then 1
                else 0
            end
        ) over (
            partition by person_key, service_code
            order by received_on, referral_key
            rows unbounded preceding
        ) as episode
    from earlier
)

select
    referral_key,
    cast(episode as integer) as episode,
    cast(
        row_number() over (
            partition by person_key, service_code, episode
            order by received_on, referral_key
        ) as integer
    ) as episode_sequence
from numbered
