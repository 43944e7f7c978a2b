"""The fields that ISO/IEC TS 27560:2023 makes mandatory in a record, and where a document of ours has them.

What could go wrong: a document that looks complete and is not. So each field is looked for where the vocabulary puts
it, in every process, party and event that there is, and an empty value counts as none.
Source: ISO/IEC TS 27560:2023, 6.3.3 to 6.3.7, as tabulated by the W3C DPVCG.
"""

from typing import Any, Final

# The standard's name → path; a list on the way must not be empty, and each of its members is asked.
RECORD: Final = {
    "schema_version": "dct:conformsTo/@id",
    "record_id": "dct:identifier",
    "pii_principal_id": "dpv:hasDataSubject/dct:identifier",
    "privacy_notice": "dpv:hasNotice/dct:identifier",
    "language": "dct:language",
    "purpose": "dpv:hasProcess/dpv:hasPurpose/dct:description",
    "lawful_basis": "dpv:hasProcess/dpv:hasLegalBasis/@id",
    "pii_information": "dpv:hasProcess/dpv:hasPersonalData/dct:title",
    "pii_type": "dpv:hasProcess/dpv:hasPersonalData/dct:type",
    "pii_controllers": "dpv:hasDataController/dct:identifier",
    "storage_locations": "dpv:hasProcess/dpv:hasStorageCondition/dpv:hasLocation/@id",
    "retention_period": "dpv:hasProcess/dpv:hasStorageCondition/dpv:hasDuration",
    "jurisdiction": "dpv:hasJurisdiction/@id",
    "recipient_third_parties": "dpv:hasProcess/dpv:hasRecipient/dct:identifier",
    "withdrawal_method": "dpv:hasConsentControl/@id",
    "party_id": "dpv:hasDataController/dct:identifier",
    "party_name": "dpv:hasDataController/dpv:hasName",
    "party_address": "dpv:hasDataController/dpv:hasAddress",
    "party_contact": "dpv:hasDataController/dpv:hasContact",
    "party_type": "dpv:hasDataController/@type",
    "recipient_name": "dpv:hasProcess/dpv:hasRecipient/dpv:hasName",
    "recipient_address": "dpv:hasProcess/dpv:hasRecipient/dpv:hasAddress",
    "recipient_contact": "dpv:hasProcess/dpv:hasRecipient/dpv:hasContact",
    "recipient_type": "dpv:hasProcess/dpv:hasRecipient/@type",
    "event_time": "dct:hasPart/dct:date",
    "validity_duration": "dct:hasPart/dct:valid",
    "entity_id": "dct:hasPart/dpv:isImplementedByEntity",
    "event_type": "dct:hasPart/dpv:hasLegalBasis/@id",
    "event_state": "dct:hasPart/dpv:hasConsentStatus/@id",
}
# A receipt needs two more; ours carries the whole record besides (Annex A of the standard).
RECEIPT: Final = {"receipt_id": "receipt_id", "schema_version": "schema"}


def problems(document: Any, fields: dict[str, str] = RECORD) -> list[str]:
    """The standard's names of what is missing, in its order; empty when the document is complete."""
    return [name for name, path in fields.items() if not _has(document, path.split("/"))]


def _has(node: Any, path: list[str]) -> bool:
    if isinstance(node, list):
        return bool(node) and all(_has(each, path) for each in node)
    if not path:
        return node not in (None, "", {})
    return isinstance(node, dict) and _has(node.get(path[0]), path[1:])
