"""Which version of the policy an account accepted or was told of, on the pages and by the API."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings as hypothesis_settings, strategies as st
from pytest_django import Settings

from consent import acceptances, accounts, choice, notices, registry, services
from consent.models import Acceptance, VisitorAccount
from crasme.crm.models import Account
from crasme.kit.ids import uuid7
from privacy.models import PolicyVersion
from privacy.policy import publication
from privacy.services import acceptance
from tests.builders import make_account, make_api_key
from tests.privacy.test_handoff import CRM, PAGE, ticket_in, token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _crm(settings: Settings) -> None:
    settings.HANDOFF_KEYS = {"crm": CRM.public_key().public_bytes_raw()}


def publish(number: str, *, ask: bool) -> PolicyVersion:
    now = timezone.now()
    return publication.publish(
        version=number, last_updated=now.date(), effective_on=now.date(), summary=f"Changes of {number}.", material=ask,
        requires_acceptance=ask, actor="staff:1", now=now, proposed_by="staff:2",
    )  # fmt: skip


def call(client: Client, account: Any, key: str, body: dict[str, Any] | None = None, what: str = "policy") -> Any:
    path = f"/api/v1/accounts/{account}/{what}/"
    headers = {"authorization": key}
    if body is None:
        return client.get(path, headers=headers)
    return client.post(path, body, content_type="application/json", headers=headers)


def test_nobody_is_asked_until_a_publication_says_so_and_then_once(client: Client) -> None:
    account = make_account()
    assert acceptance.position(account.pk).ask is None
    publish("2099.01", ask=True)
    newest = publish("2099.02", ask=False)
    assert acceptance.position(account.pk).ask == newest  # what applies is what one agrees to
    opened = client.get(PAGE, {"token": token(account)})
    assert "Changes of 2099.02." in opened.content.decode()
    assert not Acceptance.objects.exists()  # a scanner that follows the link was told of nothing
    ticket = ticket_in(opened)
    wrong = client.post(PAGE, {"ticket": ticket, "policy": "accepted", "version": "2099.01"})
    assert "Changes of 2099.02." in wrong.content.decode()
    assert list(Acceptance.objects.values_list("act", "version")) == [("told", "2099.02")]
    declined = client.post(PAGE, {"ticket": ticket, "policy": "declined", "version": "2099.02"})
    assert "we ask for your agreement" in declined.content.decode()
    accepted = client.post(PAGE, {"ticket": ticket, "policy": "accepted", "version": "2099.02"})
    assert "You have accepted version 2099.02" in accepted.content.decode()
    assert "we ask for your agreement" not in client.get(PAGE, {"token": token(account)}).content.decode()
    assert Acceptance.objects.filter(act="told").count() == 1
    row = Acceptance.objects.get(act="accepted")
    assert (row.sha256, row.digest) == (newest.sha256, row.computed_digest())
    publish("2099.03", ask=False)
    assert acceptance.position(account.pk).ask is None
    publish("2099.04", ask=True)
    assert acceptance.position(account.pk).ask is not None


def test_the_product_asks_and_records_by_its_own_numbers(client: Client) -> None:
    account = make_account()
    publish("2099.01", ask=True)
    _key, reads = make_api_key("policy:read")
    _key, writes = make_api_key("policy:write", "policy:read")
    first = call(client, account.pk, reads).json()
    assert (first["ask"], first["accepted"], first["told"]) == ("2099.01", None, [])
    assert first["url"].endswith("/policy/2099.01/")
    act = {"id": str(uuid7()), "version": "2099.01", "act": "accepted", "language": "de"}
    assert call(client, account.pk, reads, act).status_code == 403
    assert call(client, account.pk, writes, act).status_code == 201
    again = call(client, account.pk, writes, act)
    assert (again.status_code, again.json()["ask"], again.json()["accepted"]) == (200, None, "2099.01")
    for wrong in (act | {"act": "declined"}, act | {"id": str(uuid.uuid4())}, act | {"version": "1999.01"}):
        assert call(client, account.pk, writes, wrong).status_code == 400
    assert call(client, uuid.uuid4(), writes, act).status_code == 404
    late = act | {"id": str(uuid7()), "act": "declined", "decided_at": (timezone.now() - timedelta(days=2)).isoformat()}
    assert call(client, account.pk, writes, late).json()["accepted"] == "2099.01"  # it was decided before
    told = [act | {"id": str(uuid7()), "act": "told"} for _time in range(2)]
    assert [call(client, account.pk, writes, each).status_code for each in told] == [201, 200]


def test_a_browser_brings_its_choice_to_the_account_by_both_doors(client: Client) -> None:
    account, visitor, now = make_account(), uuid.uuid4(), timezone.now()
    registry.forget()
    notices.forget()

    def chose(who: uuid.UUID, action: str, ago: int) -> None:
        services.record_choice(
            event_id=uuid7(), visitor=who, choices={}, action=action, surface="banner", language="en", gpc=False,
            notice_sha=notices.current("en")["sha256"], decided_at=now - timedelta(days=ago), now=now,
        )  # fmt: skip

    chose(visitor, "accept-all", 3)
    client.cookies[choice.NAME] = choice.Choice(15, 1, False, visitor).value()
    ticket = ticket_in(client.get(PAGE, {"token": token(account)}))
    assert not VisitorAccount.objects.exists()
    sent = client.post(PAGE, {"ticket": ticket, "kind": "access", "details": "All.", "send": "1"})
    assert sent.status_code == 302
    assert accounts.visitors_of(account.pk) == [visitor]
    phone, (_key, writes) = uuid.uuid4(), make_api_key("consent:write")
    chose(phone, "refuse-all", 1)
    answer = call(client, account.pk, writes, {"visitor": str(phone)}, "browsers").json()
    assert answer["choices"] == {"essential": True, "functional": False, "analytics": False, "performance": False}
    kept = choice.parse(answer["cookie"])
    assert kept is not None
    assert (kept.visitor, kept.mask) == (phone, registry.snapshot().essential)
    assert call(client, account.pk, writes, {"visitor": "me"}, "browsers").status_code == 400


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.permutations([("accepted", 0), ("declined", 1), ("accepted", 1), ("told", 2)]), st.integers(0, 3))
def test_the_newest_explicit_act_counts_in_every_order(acts: list[tuple[str, int]], again: int) -> None:
    account, now = uuid.uuid4(), timezone.now()
    made = [(uuid7(), act, at) for act, at in acts]
    for act_id, act, at in [*made, made[again]]:
        acceptances.note(
            act_id=act_id, account=account, document="policy", version="2099.01", sha256="0" * 64, act=act,
            surface="product", language="en", decided_at=now - timedelta(days=9 - at), now=now,
        )  # fmt: skip
    standing = acceptances.standing(account, "policy")
    assert (standing.accepted, standing.told) == ("", {"2099.01"})  # of the same instant, declining counts
    assert Acceptance.objects.filter(account=account).count() == 4


def test_the_handoff_of_a_stranger_accepts_nothing(client: Client) -> None:
    account: Account = make_account()
    publish("2099.01", ask=True)
    forged = token(account, key=Ed25519PrivateKey.generate())
    assert client.get(PAGE, {"token": forged}).status_code == 410
    assert client.post(PAGE, {"ticket": "x", "policy": "accepted", "version": "2099.01"}).status_code == 410
    assert not Acceptance.objects.exists()
