-- One row per statement of a practice about an offer of social prescribing: offered, accepted or declined.
-- The national code of a referral means that the person accepted, and counts once in an episode. A new episode begins
-- when nothing was said for the gap; within one, the same statement again is a repeat. Offers are evidence apart from
-- the referrals that services hold: no offer makes a referral.
with statements as (
    select
        fact_id as offer_key,
        subject_key,
        practice_code,
        coalesce(source_system, '') as source_system,
        occurred_on as stated_on,
        case event_type
            {%- for event, meaning in offer_meanings().items() %}
            when '{{ event }}' then '{{ meaning }}'
            {%- endfor %}
        end as meaning,
        referral_code as code,
        referral_source_term as source_term
    from {{ ref('stg_log__referral_events') }}
    where event_type in ({{ offer_events() }})
),

gaps as (
    select
        *,
        lag(stated_on) over (partition by subject_key order by stated_on, offer_key) as previous_on
    from statements
),

numbered as (
    select
        *,
        sum(
            case
                when previous_on is null or stated_on >= {{ add_days('previous_on', var('episode_gap_days')) }} then 1
                else 0
            end
        ) over (partition by subject_key order by stated_on, offer_key rows unbounded preceding) as episode
    from gaps
),

sequenced as (
    select
        *,
        row_number() over (partition by subject_key, episode, meaning order by stated_on, offer_key) as sequence,
        first_value(offer_key) over (partition by subject_key, episode order by stated_on, offer_key) as episode_key,
        min(case when meaning = 'accepted' then stated_on end) over (partition by subject_key, episode) as accepted_on,
        min(case when meaning = 'declined' then stated_on end) over (partition by subject_key, episode) as declined_on
    from numbered
)

select
    offer_key,
    episode_key,
    subject_key,
    practice_code,
    source_system,
    stated_on,
    meaning,
    code,
    source_term,
    cast(episode as integer) as episode,
    sequence > 1 as is_repeat,
    -- How the episode's offer ended. Who declines first and accepts later has accepted.
    case
        when accepted_on is not null then 'accepted'
        when declined_on is not null then 'declined'
        else 'open'
    end as episode_outcome
from sequenced
