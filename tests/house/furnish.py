"""One row of everything that staff can look at, made by the same services as in life."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils import timezone

from consent import services as consent
from consent.models import (
    Acceptance,
    CookieSighting,
    HeldConsentEvent,
    Notice,
    NoticeDay,
    NoticeMeasurement,
    NoticePicture,
    RegistryCheck,
    VisitorAccount,
)
from consent.suppression import suppress
from crasme.crm.models import Account, HeldUsageEvent
from crasme.crm.services import disputes
from crasme.kit.ids import uuid7
from crasme.ledger import seals
from crasme.staff import access
from crasme.staff.models import Absence, AccessEntry, User
from crasme.staff.sessions import SessionStore
from privacy.mailroom.receive import receive
from privacy.mailroom.sorting import sort
from privacy.models import AssignmentRule
from privacy.policy import proposals
from privacy.services import approvals, corrections, holdings, intake, letters, plans, recipients, webhooks
from privacy.services.representatives import Claim
from retention import drafts, holds, services as retention
from retention.models import Rule
from tests.builders import (
    make_account,
    make_api_key,
    make_billing_profile,
    make_contact,
    make_credential,
    make_deal,
    make_device,
    make_events,
    make_integration,
    make_invoice,
    make_note,
    make_user,
    reviewed_request,
    run_steps,
    submit_request,
)

NOW = timezone.now()


def everything(mark: str = "") -> None:
    """`mark` goes into the names and texts that people could be known by."""
    _customer(mark)
    agent, officer = make_user("Support agent"), make_user("Privacy officer")
    _requests(agent)
    _mail()
    _choices()
    _absence(agent, officer)
    held = make_account()
    holds.place(
        matter="M-1", reason="A claim.", owner=officer, review_on=(NOW + timedelta(days=90)).date(),
        items=[holds.account(held.pk)], actor=officer.ref, now=NOW,
    )  # fmt: skip
    proposals.propose(
        version="2099.01", last_updated=NOW.date(), effective_on=NOW.date(), summary="Words.", material=False,
        actor=officer.ref, now=NOW,
    )  # fmt: skip
    drafts.succeed(Rule.objects.active().get(slug="billing"), actor=officer.ref, now=NOW)
    letters.write("link", "", "en", subject="A link", body="{link}\n{code}", seen="", by=officer, now=NOW)
    retention.run_rule(Rule.objects.active().get(slug="billing"), now=NOW, actor="system:test")
    retention.register_backup(name="base-1", kind="database", location="base-1", made_at=NOW)
    _machines(officer)
    seals.seal(NOW)
    SessionStore().create()
    access.record(officer, AccessEntry.Action.VIEW, "crm.account", now=NOW)


def _customer(mark: str) -> Account:
    account = make_account(full_name=f"{mark}Ana Novak", email=f"{mark}ana@customer.example".lower())
    make_credential(account)
    make_billing_profile(account)
    disputes.open_dispute(make_invoice(account), reason="amount", actor="system:test", now=NOW)
    make_device(account)
    make_integration(account, messages=1)
    make_contact(account)
    make_deal(account)
    make_note(account)
    (event,) = make_events(account, [NOW - timedelta(days=1)])
    fields = {field.attname: getattr(event, field.attname) for field in event._meta.concrete_fields}
    HeldUsageEvent.objects.create(**fields, carried_at=NOW)
    return account


def _requests(agent: User) -> None:
    waiting = reviewed_request("access", "ana@customer.example", now=NOW)
    plan = plans.current(waiting)
    assert plan is not None
    approvals.release(waiting, plan_hash=plan.hash, by=agent, now=NOW)
    run_steps(NOW)
    make_contact(make_account(), email="somebody@customer.example")  # passed on, if anybody decides so
    recipients.tell(reviewed_request("deletion", "somebody@customer.example", now=NOW), now=NOW)
    submit_request("complaint", "represented@customer.example", claim=Claim("Kim", "kim@x.example", "lawyer", b"%PDF-"))
    submit_request("child", "teacher@school.example", about="kid@customer.example", now=NOW)
    wrong = reviewed_request("correction", "ana@customer.example", now=NOW)
    phones = {each.key: "+43 1 5550199" for each in holdings.held(wrong) if each.name == "phone"}
    corrections.propose(wrong, phones, actor="system:test", now=NOW)


def _absence(agent: User, officer: User) -> None:
    week = (NOW + timedelta(days=7)).date()
    Absence.objects.create(user=agent, substitute=officer, first_day=week, last_day=week)
    AssignmentRule.objects.create(name="Everything", role="Support agent").colleagues.add(agent)


def _mail() -> None:
    for words in ("A question.", "Please delete my account."):
        text = f"From: ana@customer.example\nSubject: {words}\nMIME-Version: 1.0\n"
        text += "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n" + words
        text += "\n--b\nContent-Disposition: attachment; filename=a.txt\n\nA file.\n--b--\n"
        mail = receive(text.encode(), source="pipe", now=NOW)
        assert mail is not None
        sort(mail.pk, now=NOW)


def _choices() -> None:
    consent.record_choice(
        event_id=uuid7(), visitor=uuid.uuid4(), choices={}, action="refuse-all", surface="banner",
        notice_sha=Notice.objects.first().sha256, language="en", gpc=False, decided_at=NOW, now=NOW,
    )  # fmt: skip
    suppress("gone@customer.example", reason="unsubscribed", source="staff", actor="system:test", now=NOW)
    NoticeDay.objects.create(version=1, day=NOW.date(), shown=9, refused=4, accepted=3)
    NoticePicture.objects.create(notice="0" * 64, view="360-dark", png=b"png", sha256="0" * 64, taken_at=NOW)
    VisitorAccount.objects.create(visitor=uuid.uuid4(), account=uuid.uuid4(), joined_at=NOW)
    HeldConsentEvent.objects.create(
        filed_at=NOW, visitor=uuid.uuid4(), notice="0" * 64, choices={"essential": True}, action="refuse-all",
        surface="banner", language="en", decided_at=NOW, received_at=NOW, digest="0" * 64, carried_at=NOW,
    )  # fmt: skip
    Acceptance.objects.create(
        account=uuid.uuid4(), document="policy", version="2026.02", sha256="0" * 64, act="told", surface="portal",
        language="en", decided_at=NOW, received_at=NOW, digest="0" * 64,
    )  # fmt: skip
    NoticeMeasurement.objects.create(look="0" * 64, language="en", passed=True, measured_at=NOW)
    RegistryCheck.objects.create(sha256="0" * 64, checked_at=NOW)
    CookieSighting.objects.create(
        name="_ga", route="/", reason="undeclared", dropped=True, first_seen_at=NOW, last_seen_at=NOW
    )


def _machines(officer: User) -> None:
    key, _header = make_api_key("requests:write")
    heard: Any = {"url": "https://hooks.example.com/", "events": ["request.received"], "by": officer, "now": NOW}
    webhooks.set_up(name="CRM", key=key, **heard)
    submit_request(email="api@customer.example", call=intake.Call(key, "T-1", ("a" * 64, "b" * 64)), now=NOW)


def pages() -> dict[str, tuple[type[Model], Any]]:
    """Every registered admin page by its model's label."""
    return {model._meta.label: (model, page) for model, page in admin.site._registry.items()}
