"""The envelope: the columns every event carries, in the log's order, with their SQL types."""

ENVELOPE: dict[str, str] = {
    "global_position": "bigint",
    "event_id": "blob",
    "fact_id": "blob",
    "record_key": "blob",
    "category": "varchar",
    "stream_id": "blob",
    "correlation_id": "blob",
    "causation_id": "blob",
    "event_type": "varchar",
    "schema_version": "integer",
    "revision_kind": "varchar",
    "origin": "varchar",
    "occurred_at": "timestamptz",
    "occurred_on": "date",
    "occurred_precision": "varchar",
    "asserted_at": "timestamptz",
    "received_at": "timestamptz",
    "recorded_at": "timestamptz",
    "subject_key": "blob",
    "identity_quality": "varchar",
    "practice_code": "varchar",
    "performer_code": "varchar",
    "provider_code": "varchar",
    "source_system": "varchar",
    "source_record_ref": "varchar",
    "load_id": "varchar",
    "source_line": "bigint",
    "content_hash": "blob",
}

# The origin of an event that withdraws another one because its whole file was retracted; both are void.
LOAD_RETRACTED = "load_retracted"


def not_withdrawn(events: str) -> str:
    """SQL that reads, of the events that `events` reads, those that no retraction of a load made void."""
    return f"""(select said.* from {events} as said
        anti join (select causation_id from {events} where origin = '{LOAD_RETRACTED}') as w
            on w.causation_id = said.event_id
        where said.origin <> '{LOAD_RETRACTED}')"""


# The event type of a stub: what is left of an event whose person was erased.
ERASED = "erased"

# What makes two statements about a fact the same statement. Time of arrival, line and person are not content.
CONTENT: tuple[str, ...] = (
    "event_type",
    "occurred_at",
    "occurred_precision",
    "stream_id",
    "correlation_id",
    "practice_code",
    "performer_code",
    "provider_code",
)
