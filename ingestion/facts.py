"""Which rows become which events: one SELECT a slot and event type, over the valid rows of a file."""

from ingestion import conditions, fields, times
from ingestion.assertions import Event, Stream
from ingestion.contract import Contract
from linkwork import engine
from linkwork.log.catalogue import Catalogue
from linkwork.privacy import hmac_sql


def queries(contract: Contract, catalogue: Catalogue, load_id: str) -> dict[str, list[str]]:
    """For each category the SELECTs that give its facts. Within a slot the first event whose condition holds wins."""
    found: dict[str, list[str]] = {}
    for slot in contract.slots:
        earlier: list[str] = []
        for event in (e for e in contract.events if e.slot == slot):
            category = catalogue.events[event.type].category
            found.setdefault(category, []).append(_query(event, contract, catalogue, load_id, earlier))
            earlier.append(conditions.to_sql(event.when, contract.instants))
    return found


def streams(contract: Contract, catalogue: Catalogue) -> dict[str, str]:
    """SQL of the id of each stream that a record's events name, and the column that holds it: made once a record."""
    named = [s for event in contract.events for s in (_stream(event, contract, catalogue), event.correlation) if s]
    return {sql: f"_stream_{number}" for number, sql in enumerate(dict.fromkeys(_stream_id(s) for s in named))}


def _stream(event: Event, contract: Contract, catalogue: Catalogue) -> Stream:
    return event.stream or Stream(category=catalogue.events[event.type].category, key=contract.record.key)


def content_columns(contract: Contract) -> list[str]:
    """The columns that make an assertion what it is: those that reach events. Time of assertion and person do not."""
    record = contract.record
    used: dict[str, None] = {}
    for event in contract.events:
        for column in (*conditions.columns_of(event.when), event.occurred, event.precision, *event.payload.values()):
            if column:
                used[column] = None
        for stream in (event.stream, event.correlation):
            for column in (*(stream.key if stream else ()), *([stream.sender] if stream else [])):
                used[column] = None
    for organisation in (record.practice, record.performer, record.provider):
        if organisation:
            used[organisation] = None
    return sorted(set(used) - {"sender", "asserted_at", record.assertedAt})


def _query(event: Event, contract: Contract, catalogue: Catalogue, load_id: str, earlier: list[str]) -> str:
    kind = catalogue.events[event.type]
    category = catalogue.categories[kind.category]
    record = contract.record
    payload = []
    for column, sql_type in category.columns.items():
        value = "null"
        if column in event.payload:
            value = fields.in_event(contract.field(event.payload[column]))
        elif column in event.constants:
            value = engine.text(event.constants[column])
        payload.append(f"({value})::{sql_type} as {engine.name(category.stored(column))}")
    columns = streams(contract, catalogue)
    stream = columns[_stream_id(_stream(event, contract, catalogue))]
    correlation = columns[_stream_id(event.correlation)] if event.correlation else "null::blob"
    condition = " and ".join([conditions.to_sql(event.when, contract.instants), *(f"not {e}" for e in earlier)])
    return f"""
        select {load_id} as load_id, record_no, {engine.text(event.slot)} as slot,
            {engine.text(kind.category)} as category, {stream} as stream_id, {correlation} as correlation_id,
            {engine.text(event.type)} as event_type,
            {engine.text("derived" if record.kind == "state" else "stated")} as origin,
            {_occurred(event, contract)},
            {_organisation(record.practice)} as practice_code,
            {_organisation(record.performer)} as performer_code,
            {_organisation(record.provider, or_sender=record.providerOrSender)} as provider_code,
            {", ".join(payload)}
        from valid
        where not is_tombstone and {engine.name(event.occurred)} is not null and {condition}"""


def _stream_id(stream: Stream) -> str:
    sender = "getvariable('sender')" if stream.sender == "sender" else engine.name(stream.sender)
    if stream.orSender:
        sender = f"coalesce({sender}, getvariable('sender'))"
    keys = [f"{engine.name(k)}::varchar" for k in stream.key]
    known = " and ".join(f"{part} is not null" for part in (sender, *keys))
    message = hmac_sql.joined([engine.text("stream"), engine.text(stream.category), sender, *keys])
    return f"case when {known} then id_hmac({message}) end"


def _organisation(source: str | None, *, or_sender: bool = False) -> str:
    if source is None:
        return "null::varchar"
    if source == "sender":
        return "getvariable('sender')"
    stated = f"{engine.name(source)}::varchar"
    return f"coalesce({stated}, getvariable('sender'))" if or_sender else stated


def _occurred(event: Event, contract: Contract) -> str:
    """occurred_at, its local calendar date and precision. A date is never shifted by a time zone."""
    if event.occurred == "asserted_at":
        return """asserted_at as occurred_at, (asserted_at at time zone 'Europe/London')::date as occurred_on,
            'second' as occurred_precision, null::timestamptz as stated_occurred_at"""
    column = engine.name(event.occurred)
    prop = contract.field(event.occurred)
    varies = engine.name(prop.precision_column) if prop.precision_column else None
    exact = varies or engine.text(prop.precisions[0])
    if event.precision:
        exact = f"coalesce({engine.name(event.precision)}, {exact})"
    at = f"({column}::timestamp at time zone 'UTC')" if prop.logicalType == "date" else column
    return (
        f"{at} as occurred_at, {times.local_day(prop, column, varies)} as occurred_on, "
        f"{exact} as occurred_precision, {at} as stated_occurred_at"
    )
