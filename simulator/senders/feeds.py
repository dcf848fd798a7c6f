"""The feeds: which book each tells of, and how one row of it becomes one line of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Feed:
    """One feed: its rows are those of `book` (view <book>_known) that its senders hold.

    A CSV's `columns` are header and SQL expression, and `free` are those that may need quotes. JSON Lines have no
    columns but `line`, the SQL of the whole line. The rest is what faults must know to spoil a record: its columns of
    id, date, NHS number, a word of a list and a person's name; `new_id` is the pattern of an id nobody has; `timed`:
    the date has a time of day, with `local_time` one of England, written as `moment`, and `booked` is the time at which
    it was booked, if it was; `never`: a date as the feed writes them, that never was; `test_column`: where a patient
    for tests is marked; `deletion`: the column that says that a record is deleted.
    """

    name: str
    book: str
    stem: str
    columns: Mapping[str, str] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    line: str = ""
    record_id: str = ""
    date: str = ""
    number: str = "nhs_number"
    word: str = ""
    name_column: str = ""
    test_column: str = ""
    deletion: str = ""
    new_id: str = "X%06d"
    timed: bool = False
    local_time: bool = False
    never: str = ""
    moment: str = "%Y-%m-%d %H:%M:%S"
    booked: str = "booked_at"

    @property
    def suffix(self) -> str:
        return "csv" if self.columns else "ndjson" if self.name.endswith("ndjson") else "jsonl"

    @property
    def header(self) -> str:
        return ",".join(self.columns)

    @property
    def date_rule(self) -> str:
        """What the contract's refusal of an impossible date is called."""
        return "timestamp" if self.line or self.timed or self.local_time else "date"

    @property
    def reloaded(self) -> str:
        """SQL of the days of a line that a new system sends, null of what does not happen on a day."""
        return "reloaded" if self.book == "appointments" else "null"

    def text(self) -> str:
        """SQL of a line without its end."""
        if self.line:
            return self.line
        fields = ", ',', ".join(csv_value(sql, name in self.free) for name, sql in self.columns.items())
        return f"concat({fields})"  # once for all: `||` would make a text of each step


def csv_value(sql: str, free: bool) -> str:
    """SQL of one CSV field, null where it is empty; only free text is ever quoted."""
    text = f"({sql})::varchar"
    if not free:
        return text
    quoted = f"""'"' || replace({sql}, '"', '""') || '"'"""
    return f"""if({sql} like '%,%' or {sql} like '%"%', {quoted}, {text})"""


def as_named(columns: str, **special: str) -> dict[str, str]:
    """Columns of the view under their own names; `special` gives some another expression."""
    return {name: special.get(name, name) for name in columns.split()}


def instant(timestamp: str) -> str:
    """SQL of a time of whole seconds in UTC, as 2026-04-01T02:30:00Z."""
    return f"replace({timestamp}::varchar, ' ', 'T') || 'Z'"


def optional(name: str, sql: str) -> str:
    """SQL of one member of a JSON object, null (and so left out) where the value is null."""
    return f"""'"{name}":' || to_json({sql})"""


def plainly(name: str, sql: str) -> str:
    """The same of a text in which nothing needs to be escaped, much faster."""
    return f"""'"{name}":"' || {sql} || '"'"""


def cloud_event() -> str:
    """SQL of one CloudEvents object."""
    codes = {
        "referralId": "referral_id", "clientId": "client_id", "nhsNumber": "nhs_number",
        "practiceCode": "practice_code", "linkWorkerId": "link_worker_id", "channel": "channel",
    }  # fmt: skip
    later = {
        "outcome": "outcome", "goalStatus": "goal_status", "assetId": "asset_id", "instrument": "instrument",
        "instrumentVersion": "instrument_version",
    }  # fmt: skip
    action = {"what": "action_what", "who": "action_who", "when": "action_planned_on", "status": "action_status"}
    data = [
        *(plainly(*one) for one in codes.items()), """'"minutes":' || minutes""",
        *(plainly(*one) for one in later.items()), optional("items", "items"), """'"score":' || score""",
        plainly("supportKind", "support_kind"), plainly("actionId", "action_id"),
        f"""if(action_id is null, null, concat('"action":{{', concat_ws(',', {", ".join(
            plainly(*one) for one in action.items())}, '"confidence":' || action_confidence), '}}'))""",
        optional("note", "note"),
    ]  # fmt: skip
    members = [
        """'"specversion":"1.0"'""", plainly("id", "message_id"),
        plainly("source", "'urn:linkwork:synthetic:' || sender"),
        plainly("type", "'org.linkwork.' || event_type"),
        plainly("time", "happened"), plainly("recordedtime", "recordedtime"),
        """'"datacontenttype":"application/json"'""",
        f"""concat('"data":{{', concat_ws(',', {", ".join(data)}), '}}')""",
    ]  # fmt: skip
    return f"concat('{{', concat_ws(',', {', '.join(members)}), '}}')"


REGISTRATIONS = Feed(
    "registrations_csv", "registrations", "registrations",
    as_named("""
        registration_id practice_code patient_id nhs_number family_name given_name date_of_birth postcode
        sex ethnic_category lsoa_code lsoa_vintage long_term_conditions registration_start
        registration_end end_reason extract_at""", extract_at=instant("asked_at")),
    record_id="registration_id", date="registration_start", name_column="family_name",
)  # fmt: skip
APPOINTMENTS = Feed(
    "gp_appointments_csv", "appointments", "appointments",
    as_named("""
        appointment_id practice_code site_code patient_id nhs_number booked_at slot_start status hcp_type
        staff_role appt_mode national_category context_type service_setting clinician_id extract_at""",
        extract_at=instant("asked_at")),
    record_id="appointment_id", date="slot_start", word="status", local_time=True,
)  # fmt: skip
REFERRALS = Feed(
    "referrals_csv", "referrals", "referrals",
    as_named("""
        referral_id practice_code client_id nhs_number route referrer_role referrer_id connector_model
        reason_codes decided_on received_on accepted_on rejected_on rejection_reason declined_on
        decline_reason on_hold_on resumed_on closed_on closure_reason link_worker_id stated_by service_code
        shared_reference notes extract_at""",
        extract_at=instant("asked_at")),
    frozenset({"notes"}), record_id="referral_id", date="received_on", word="route", name_column="notes",
)  # fmt: skip
ACTIVITY = Feed(
    "activity_csv", "activity", "activity",
    as_named("""
        event_id referral_service referral_ref client_name nhs_number event session_date asset_id
        asset_name category delivery role cancelled_by recorded_at""", recorded_at=instant("recorded_at")),
    frozenset({"asset_name"}), record_id="event_id", date="session_date", word="event", name_column="client_name",
)  # fmt: skip
CONTACTS = Feed("link_worker_jsonl", "contacts", "contacts", line=cloud_event(), name_column="note")
CODES = Feed(
    "gp_codes_csv", "codes", "codes",
    as_named("entry_id practice_code patient_id nhs_number code term entered_on recorded_at",
             term="null", recorded_at=instant("recorded_at")),
    record_id="entry_id", date="entered_on",
)  # fmt: skip
OPT_OUTS = Feed(
    "opt_outs_csv", "opt_outs", "opt_outs",
    as_named("record_id nhs_number opt_out status effective_on recorded_at", recorded_at=instant("recorded_at")),
    record_id="record_id", date="effective_on", word="status",
)  # fmt: skip
LINKS = Feed(
    "person_links_csv", "links", "person_links",
    as_named("link_id retired_nhs_number kept_nhs_number status effective_on recorded_at",
             retired_nhs_number="nhs_number", kept_nhs_number="kept", status="'merged'",
             recorded_at=instant("recorded_at")),
    record_id="link_id", date="effective_on", number="retired_nhs_number", word="status",
)  # fmt: skip
# Workbooks are drawn from the same view as activity_csv; workbooks.py says how.
REGISTER = Feed("activity_register_xlsx", "activity", "register")
