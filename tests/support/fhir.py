"""FHIR resources as a sender would write them, small and invented."""

import json
from typing import Any

SCT = "http://snomed.info/sct"
NHS = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SDOH = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
SOCIAL_PRESCRIBING = "871731000000106"
SAID = "2025-07-01T08:00:00Z"


def resource(kind: str, identity: str, *, said: str = SAID, **elements: Any) -> dict[str, Any]:
    """A resource; elements of None are left out."""
    made = {"resourceType": kind, "id": identity, "meta": {"lastUpdated": said}, **elements}
    return {name: value for name, value in made.items() if value is not None}


def coded(*codes: str, system: str = SCT, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes], **more}


def ref(kind: str, identity: str) -> dict[str, Any]:
    return {"reference": f"{kind}/{identity}"}


def patient(identity: str, number: str | None = None, **elements: Any) -> dict[str, Any]:
    known = {"identifier": [{"system": NHS, "value": number}]} if number else {}
    return resource("Patient", identity, **(known | elements))


def request(identity: str, person: str = "p1", **elements: Any) -> dict[str, Any]:
    """A ServiceRequest for social prescribing."""
    usual = {
        "status": "active",
        "intent": "order",
        "code": coded(SOCIAL_PRESCRIBING),
        "subject": ref("Patient", person),
        "authoredOn": "2025-05-01",
    }
    return resource("ServiceRequest", identity, **(usual | elements))


def task(identity: str, focus: str, status: str, person: str = "p1", **elements: Any) -> dict[str, Any]:
    usual = {
        "status": status,
        "intent": "order",
        "focus": ref("ServiceRequest", focus),
        "for": ref("Patient", person),
        "authoredOn": "2025-05-02",
        "lastModified": "2025-05-06T10:00:00+01:00",
    }
    return resource("Task", identity, **(usual | elements))


def action(identity: str, status: str, **elements: Any) -> dict[str, Any]:
    """A Task that is an action of a plan: it is about no request, and based on one."""
    usual = {"basedOn": [ref("ServiceRequest", "r1")], "focus": None, "code": coded("735984001")}
    return {name: value for name, value in (task(identity, "", status) | usual | elements).items() if value is not None}


def activity(status: str, **detail: Any) -> dict[str, Any]:
    return {"detail": {"status": status, **detail}}


def plan(identity: str, *activities: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """A CarePlan that names a request."""
    usual = {
        "status": "active",
        "intent": "plan",
        "created": "2025-05-20",
        "supportingInfo": [ref("ServiceRequest", "r1")],
        "activity": list(activities) or None,
    }
    return about("CarePlan", identity, **(usual | elements))


def appointment(identity: str, status: str, person: str = "p1", **elements: Any) -> dict[str, Any]:
    usual = {
        "status": status,
        "start": "2025-06-02T09:30:00+01:00",
        "created": "2025-05-20T12:00:00+01:00",
        "participant": [{"actor": ref("Patient", person), "status": "accepted"}],
    }
    return resource("Appointment", identity, **(usual | elements))


def about(kind: str, identity: str, person: str = "p1", **elements: Any) -> dict[str, Any]:
    """A resource about a person, by its `subject`."""
    return resource(kind, identity, **({"subject": ref("Patient", person)} | elements))


def ndjson(*resources: dict[str, Any] | str) -> str:
    return "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in resources)


def bundle(*resources: dict[str, Any], kind: str = "collection", indent: int | None = 2, **elements: Any) -> str:
    """A Bundle. What is no resource (it has no resourceType) is an entry as it stands."""
    entries = [{"resource": r} if "resourceType" in r else r for r in resources]
    return json.dumps({"resourceType": "Bundle", "type": kind, **elements, "entry": entries}, indent=indent) + "\n"


def deletion(kind: str, identity: str) -> dict[str, Any]:
    return {"request": {"method": "DELETE", "url": f"{kind}/{identity}"}}
