"""Records that tell everything, receipts that need nobody's word, and proofs for an auditor."""

import io
import json
import subprocess
import sys
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from pytest_django import Settings

from consent import accounts, choice, jsonld, mandatory, notices, pictures, receipts, seal, verify_receipt
from consent.models import ConsentEvent, Notice
from consent.tasks import seal_day
from crasme.ledger.models import Entry
from crasme.staff.models import AccessEntry
from crasme.staff.roles import AUDITOR
from tests.builders import make_user, sign_in
from tests.consent.conftest import Choose

IRI = {
    "type": "object",
    "required": ["@id"],
    "properties": {"@id": {"type": "string", "pattern": "^[a-z0-9-]+:.+|^https?:"}},
}
TEXT = {"type": "string", "minLength": 1}
INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$"}
PARTY = {
    "type": "object",
    "required": ["@type", "dct:identifier", "dpv:hasName", "dpv:hasAddress", "dpv:hasContact"],
    "additionalProperties": TEXT,
}
STATES = ["Requested", "Given", "Refused", "Withdrawn", "Expired"]
STATUS = {
    "type": "object",
    "properties": {"@id": {"enum": [f"dpv:Consent{each}" for each in STATES]}},
    "required": ["@id"],
}


def many(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": of}


def needs(**properties: Any) -> dict[str, Any]:
    named = {name.replace("__", ":"): schema for name, schema in properties.items()}
    return {"type": "object", "required": list(named), "properties": named}


# ISO/IEC TS 27560:2023, 6.3, in the mapping of the W3C DPVCG: what is mandatory, and of which kind.
PROCESS = needs(
    dpv__hasPurpose=many(needs(dct__description=TEXT)),
    dpv__hasLegalBasis=IRI,
    dpv__hasConsentStatus=STATUS,
    dpv__hasPersonalData=many(needs(dct__title=TEXT, dct__type=TEXT)),
    dpv__hasStorageCondition=needs(dpv__hasLocation=IRI, dpv__hasDuration=many(TEXT)),
    dpv__hasRecipient=many(PARTY),
)
EVENT = needs(
    dct__date=INSTANT, dct__valid=INSTANT, dpv__isImplementedByEntity=TEXT, dpv__hasLegalBasis=IRI,
    dpv__hasConsentStatus=STATUS,
)  # fmt: skip
RECORD = needs(
    dct__conformsTo={"const": {"@id": "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"}},
    dct__identifier=TEXT,
    dct__language=TEXT,
    dpv__hasDataSubject=needs(dct__identifier=TEXT),
    dpv__hasNotice=needs(dct__identifier=TEXT, dct__language=TEXT, dct__hasVersion=TEXT),
    dpv__hasDataController=PARTY,
    dpv__hasJurisdiction=IRI,
    dpv__hasConsentControl=IRI,
    dpv__hasConsentStatus=STATUS,
    dpv__hasProcess=many(PROCESS),
    dct__hasPart=many(EVENT),
)


def states(record: dict[str, Any]) -> list[str]:
    return [part["dpv:hasConsentStatus"]["@id"].removeprefix("dpv:Consent") for part in record["dct:hasPart"]]


@pytest.mark.parametrize(
    ("given", "later", "overall", "events"),
    [
        ({"action": "accept-all"}, 0, "Given", ["Given"]),
        ({"action": "refuse-all", "shown_at": True}, 0, "Refused", ["Requested", "Refused"]),
        ({"action": "save", "choices": {"analytics": True}}, 0, "Given", ["Given"]),
        ({"action": "withdraw"}, 0, "Withdrawn", ["Withdrawn"]),
        ({"action": "accept-all"}, 400, "Expired", ["Given", "Expired"]),
    ],
)
def test_a_record_has_every_mandatory_field_of_the_standard(
    choose: Choose, now: datetime, given: dict[str, Any], later: int, overall: str, events: list[str]
) -> None:
    if "shown_at" in given:
        given = given | {"shown_at": now - timedelta(seconds=20)}
    event, _created = choose(**given)
    record = receipts.record_of(event, now=now + timedelta(days=later))
    jsonschema.validate(record, RECORD)
    assert mandatory.problems(record) == []
    assert (record["dpv:hasConsentStatus"]["@id"], states(record)) == (f"dpv:Consent{overall}", events)
    answers = {each["dct:identifier"]: each["dpv:hasConsentStatus"]["@id"] for each in record["dpv:hasProcess"]}
    assert set(answers) == {"functional", "analytics", "performance"}  # refusals are itemised; essential asks nobody
    for slug, yes in event.choices.items():
        assert slug == "essential" or (answers[slug] == "dpv:ConsentGiven") is yes


def test_what_is_missing_is_named_and_not_handed_out(choose: Choose, now: datetime, settings: Settings) -> None:
    event, _created = choose()
    record = receipts.record_of(event, now=now)
    for name, path in mandatory.RECORD.items():
        spoiled = json.loads(json.dumps(record))
        for node in nodes(spoiled, path.split("/")[:-1]):
            node[path.split("/")[-1]] = ""
        assert name in mandatory.problems(spoiled), name
    settings.CONSENT_JURISDICTION = ""
    assert (
        jsonld.record(event, Notice.objects.get(sha256=event.notice), now=now)["dpv:hasJurisdiction"]["@id"] == "loc:"
    )


def nodes(node: Any, path: list[str]) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for each in node for found in nodes(each, path)]
    return nodes(node[path[0]], path[1:]) if path else [node]


def test_the_receipt_is_checked_without_us_and_any_change_shows(
    client: Client, choose: Choose, settings: Settings, tmp_path: Path
) -> None:
    visitor = uuid.uuid4()
    event, _created = choose(visitor=visitor, choices={"analytics": True}, language="de")
    assert client.get("/cookies/receipt.json").status_code == 404
    assert client.get("/cookies/receipt/").status_code == 404
    client.cookies[choice.NAME] = choice.Choice(5, 1, False, visitor).value()
    answer = client.get("/cookies/receipt.json")
    assert "no-store" in answer["Cache-Control"]
    receipt = answer.json()
    assert receipt["notice"] == Notice.objects.get(sha256=event.notice).content  # a copy, not a pointer
    assert mandatory.problems(receipt, mandatory.RECEIPT) == mandatory.problems(receipt["record"]) == []
    assert Entry.objects.get(pk=receipt["ledger"]["entry"]).digest == receipt["ledger"]["digest"]
    page = client.get("/cookies/receipt/").content.decode()
    assert str(event.pk) in page
    assert "/cookies/receipt/" in client.get("/cookies/").content.decode()

    script = tmp_path / "verify_receipt.py"
    script.write_bytes(client.get("/cookies/receipt/verify_receipt.py").content)
    (tmp_path / "keys.json").write_bytes(client.get("/.well-known/consent-receipt-keys.json").content)

    def offline(content: Any) -> tuple[int, str]:
        (tmp_path / "receipt.json").write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(script), "receipt.json", "keys.json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, words = offline(receipt)
    assert (code, "analytics: given, performance: refused" in words) == (0, True)
    changed = json.loads(json.dumps(receipt))
    changed["record"]["dpv:hasProcess"][0]["dpv:hasConsentStatus"]["@id"] = "dpv:ConsentGiven"
    assert offline(changed)[0] == 1
    assert offline([])[0] == 2

    def here(content: Any) -> str:
        return client.post("/evidence/verify/", {"receipt": content}).content.decode()

    text = json.dumps(receipt)
    assert "Our own record says the same" in here(text)
    assert "something in it was changed" in here(json.dumps(changed))
    for nonsense in ("{}", "[]", "nonsense", '{"signature": 1}', "[" * 5000):
        assert "something in it was changed" in here(nonsense)
    # A forger signs with a key of their own and says it is ours.
    settings.SIGNING_KEYS = {"consent-receipt": Ed25519PrivateKey.generate().private_bytes_raw()}
    forged = json.dumps(receipts.issue(event, now=event.received_at))
    former = receipts.keys()
    settings.SIGNING_KEYS = {}
    assert not receipts.verify(forged).signed
    settings.FORMER_KEYS = {"consent-receipt": [bytes.fromhex(key) for key in former.values()]}
    assert receipts.verify(forged).stored  # but a key that we exchanged goes on counting


def test_the_script_agrees_with_the_library(db: None) -> None:
    key = Ed25519PrivateKey.generate()
    public, message = key.public_key().public_bytes_raw(), b"anything \x00 at all"
    signature = key.sign(message)
    assert verify_receipt.verify(public, message, signature)
    assert not verify_receipt.verify(public, message + b".", signature)
    assert not verify_receipt.verify(public, message, signature[:32] + bytes(32))
    assert not verify_receipt.verify(public, message, signature[:63])
    over = (int.from_bytes(signature[32:], "little") + verify_receipt.Q).to_bytes(32, "little")
    assert not verify_receipt.verify(public, message, signature[:32] + over)  # not malleable


def test_a_day_is_sealed_once_and_each_record_has_its_path(choose: Choose, now: datetime) -> None:
    yesterday = now - timedelta(days=1)
    choose(decided_at=now - timedelta(days=4), now=now - timedelta(days=4))  # nobody sealed that day: a worker was away
    events = [choose(decided_at=yesterday, now=yesterday)[0] for _time in range(5)]
    assert seal.proof(events[0]) == {}
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC)
    assert seal.seal_day(midnight + timedelta(minutes=5)) is None  # its last choices may still be under way
    seal.seal_day(now if now - midnight > seal.WAIT else midnight + seal.WAIT)
    seal_day()
    earlier, entry = Entry.objects.filter(verb="consent.day_sealed").order_by("id")
    assert (earlier.facts["day"], earlier.facts["records"]) == ((now - timedelta(days=4)).date().isoformat(), 1)
    assert entry.facts["records"] == 5
    for event in events:
        proof = seal.proof(event)
        assert (seal.holds(proof), proof["root"]) == (True, entry.facts["root"])
        assert not seal.holds(proof | {"leaf": "0" * 64})
    choose(decided_at=yesterday, now=yesterday)  # slipped in afterwards: the day does not add up any more
    assert "path" not in seal.proof(events[0])


@pytest.mark.filterwarnings("error:DateTimeField:RuntimeWarning")
def test_an_officer_finds_what_somebody_was_shown_and_takes_the_proof(
    client: Client, choose: Choose, now: datetime
) -> None:
    account, visitor = uuid.uuid4(), uuid.uuid4()
    choose(visitor=visitor, action="accept-all", decided_at=now - timedelta(hours=1))
    event, _created = choose(visitor=visitor, action="withdraw")
    accounts.join(visitor, account, now=now)
    pictures.keep(notices.current("en")["sha256"], b"\x89PNG\r\n\x1a\n.", view="360", now=now)
    sign_in(client, make_user(AUDITOR))
    base, day = "/admin/consent/consentevent/", now.date().isoformat()
    assert client.get(f"{base}?q={account}", follow=True).context["cl"].result_count == 2
    assert (
        client.get(f"{base}?q={account}&decided_at_from_0={day}&decided_at_from_1=00:00:00", follow=True)
        .context["cl"]
        .result_count
        == 2
    )
    assert (
        client.get(f"{base}?q={account}&decided_at_to_0=2020-01-01&decided_at_to_1=00:00:00", follow=True)
        .context["cl"]
        .result_count
        == 0
    )
    answer = client.get(f"{base}{event.pk}/proof/", follow=True)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert set(bundle.namelist()) == {
            "README.txt", "record.jsonld", "visitor.jsonld", "receipt.json", "keys.json", "verify_receipt.py",
            "notice.json", "notice.html", "ledger.json", "picture-360.png",
        }  # fmt: skip
        assert json.loads(bundle.read("record.jsonld"))["dct:identifier"] == str(event.pk)
        assert len(json.loads(bundle.read("visitor.jsonld"))["@graph"]) == 2
        assert receipts.verify(bundle.read("receipt.json").decode()).stored
    assert AccessEntry.objects.filter(action=AccessEntry.Action.EXPORT, rows=1).count() == 1
    assert ConsentEvent.objects.count() == 2
