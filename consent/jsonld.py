"""Records as ISO/IEC TS 27560:2023 asks, in the words of the Data Privacy Vocabulary, as JSON-LD.

One document is one decision: the processing that each category stands for, the notice, the parties and the events.
`mandatory.problems` names what a document lacks of the standard's mandatory fields; what lacks any is not handed out.

What could go wrong: an old record is described by today's registry. So purposes, cookies, lifetimes and recipients come
from the notice that was shown, which holds them all, and from nowhere else.
Source: ISO/IEC TS 27560:2023, 6.3; W3C DPVCG, "Implementing ISO/IEC TS 27560:2023 using DPV".
"""

from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from consent import parties
from consent.models import Notice
from consent.models.events import Decision, State

PROFILE: Final = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
CONTEXT: Final = {
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "crasme": "https://crasme.com/ns/consent#",
    "dct:date": {"@type": "xsd:dateTime"},
    "dct:valid": {"@type": "xsd:dateTime"},
    "dct:issued": {"@type": "xsd:dateTime"},
}
_STATUS: Final = {
    State.SHOWN: "dpv:ConsentRequested",
    State.GIVEN: "dpv:ConsentGiven",
    State.REFUSED: "dpv:ConsentRefused",
    State.WITHDRAWN: "dpv:ConsentWithdrawn",
    State.EXPIRED: "dpv:ConsentExpired",
}


def record(decision: Decision, notice: Notice, *, now: datetime) -> dict[str, Any]:
    """The whole record; `notice` is the one that the decision names."""
    controller = _controller()
    asked = [
        each for each in notice.content["categories"] if not each["essential"] and each["slug"] in decision.choices
    ]
    shown = [_event(decision, State.SHOWN, decision.shown_at)] if decision.shown_at else []
    expired = [_event(decision, State.EXPIRED, decision.valid_until)] if now >= decision.valid_until else []
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{decision.id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": PROFILE},
        "dct:identifier": str(decision.id),
        "dct:language": decision.language,
        "dpv:hasDataSubject": {
            "@type": "dpv:DataSubject",
            "dct:identifier": f"urn:uuid:{decision.visitor}",
            **({"crasme:account": f"urn:uuid:{decision.account}"} if decision.account else {}),
        },
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": f"sha256:{notice.sha256}",
            "dct:hasVersion": str(notice.version),
            "dct:language": notice.language,
            "dct:title": notice.content["texts"]["title"],
            "dct:description": notice.content["texts"]["body"],
            "dct:issued": _when(notice.published_at),
            "crasme:registry": f"sha256:{notice.registry}",
        },
        "dpv:hasDataController": controller,
        "dpv:hasJurisdiction": {"@id": f"loc:{settings.CONSENT_JURISDICTION}"},
        "dpv:hasConsentControl": {"@type": "dpv:WithdrawConsent", "@id": _address("cookies")},
        "dpv:hasRight": {"@type": "dpv:RightExerciseNotice", "@id": settings.SITE_URL},
        "dpv:hasConsentStatus": {"@id": _STATUS[State(decision.state_at(now))]},
        "dpv:hasProcess": [_process(category, decision) for category in asked],
        "dct:hasPart": [*shown, _event(decision, State(decision.state), decision.decided_at), *expired],
        "crasme:action": decision.action,
        "crasme:surface": decision.surface,
        "crasme:globalPrivacyControl": decision.gpc,
        "crasme:receivedAt": _when(decision.received_at),
        "crasme:digest": f"sha256:{decision.digest}",
    }


def _process(category: dict[str, Any], decision: Decision) -> dict[str, Any]:
    """What one category allows, and what was answered about it."""
    granted = decision.choices[category["slug"]]
    withdrawn = decision.state == State.WITHDRAWN
    status = State.GIVEN if granted else State.WITHDRAWN if withdrawn else State.REFUSED
    return {
        "@type": "dpv:Process",
        "dct:identifier": category["slug"],
        "dct:title": category["title"],
        "dpv:hasPurpose": _purposes(category),
        "dpv:hasLegalBasis": {"@id": "eu-gdpr:A6-1-a"},
        "dpv:hasConsentStatus": {"@id": _STATUS[status]},
        "dpv:hasPersonalData": _data(category),
        "dpv:hasStorageCondition": {
            "@type": "dpv:StorageCondition",
            "dpv:hasLocation": {"@id": f"loc:{settings.CONSENT_STORAGE_LOCATION}"},
            "dpv:hasDuration": sorted({each["lifetime"] for each in category["cookies"]}) or ["P0D"],
        },
        "dpv:hasService": sorted({each["service"] for each in category["cookies"]}),
        "dpv:hasRecipient": _recipients(category),
        "crasme:asked": decision.asks(category["slug"]),
    }


def _purposes(category: dict[str, Any]) -> list[dict[str, Any]]:
    words = dict.fromkeys([category["purpose"], *(each["purpose"] for each in category["cookies"])])
    return [{"@type": "dpv:Purpose", "dct:description": each} for each in words]


def _data(category: dict[str, Any]) -> list[dict[str, Any]]:
    cookies = [
        {
            "@type": "dpv:PersonalData",
            "dct:title": each["name"],
            "dct:type": each["kind"],
            "dct:description": each["purpose"],
        }
        for each in category["cookies"]
    ]
    # Nothing is declared yet: what the category is about is the use of this site by this browser.
    return cookies or [{"@type": "dpv:PersonalData", "dct:title": category["title"], "dct:type": "none"}]


def _recipients(category: dict[str, Any]) -> list[dict[str, Any]]:
    """Who gets the data; the controller itself where nobody else does."""
    found = {
        (each["provider"], each["recipient"])
        for each in category["cookies"]
        if each["recipient"] or each["party"] == "third"
    }
    if not found:
        return [_controller() | {"@type": "dpv:Recipient"}]
    return [
        {
            "@type": "dpv:ThirdParty",
            "dct:identifier": recipient or name,
            "dpv:hasName": name,
            "dpv:hasAddress": _address("cookies"),
            "dpv:hasContact": _address("cookies"),
        }
        for name, recipient in sorted(found)
    ]


def _event(decision: Decision, state: State, at: datetime) -> dict[str, Any]:
    by = "controller" if state in (State.SHOWN, State.EXPIRED) else f"urn:uuid:{decision.visitor}"
    return {
        "@type": "dpv:ExpressedConsent",
        "dct:date": _when(at),
        "dct:valid": _when(decision.valid_until),
        "dpv:isImplementedByEntity": by,
        "dpv:hasLegalBasis": {"@id": "dpv:ExpressedConsent"},
        "dpv:hasConsentStatus": {"@id": _STATUS[state]},
        "dpv:hasIndicationMethod": f"{decision.action} on {decision.surface}",
    }


def _controller() -> dict[str, Any]:
    known = parties.controller()
    return {
        "@type": "dpv:DataController",
        "dct:identifier": known.url,
        "dpv:hasName": known.name,
        "dpv:hasAddress": known.address,
        "dpv:hasContact": known.contact,
    }


def _address(name: str) -> str:
    return f"{settings.SITE_URL}{reverse(name)}"


def _when(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
