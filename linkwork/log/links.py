"""Which pseudonyms the log says are one person's: the links in force."""

from linkwork.log import decide
from linkwork.log.envelope import LOAD_RETRACTED


def in_force(people: str) -> str:
    """SQL of pairs of pseudonyms (`one_key`, `other_key`), from the events of category person that `people` reads.

    Of each statement the newest assertion counts, if it says something and its load was not retracted. Of each pair the
    latest day decides; on one day an end outweighs a merge.
    """
    rank = decide.KIND_RANK.replace("kind", "revision_kind")
    return f"""(
        with stated as (
            select * from {people} where person_merged_into is not null or revision_kind in ('retraction', 'contest')
        ),
        newest as (
            select * from stated
            where origin <> '{LOAD_RETRACTED}'
                and event_id not in (select causation_id from stated
                    where origin = '{LOAD_RETRACTED}' and causation_id is not null)
            qualify row_number() over (partition by fact_id order by asserted_at desc, {rank} desc, event_id desc) = 1
        ),
        pairs as (
            select least(subject_key, person_merged_into) as one_key,
                greatest(subject_key, person_merged_into) as other_key,
                max(occurred_on) filter (event_type = 'person.merged') as merged_on,
                max(occurred_on) filter (event_type = 'person.unmerged') as unmerged_on
            from newest where revision_kind not in ('retraction', 'contest') group by all
        )
        select one_key, other_key from pairs where merged_on is not null and coalesce(unmerged_on < merged_on, true)
    )"""
