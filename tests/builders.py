"""Rows for tests: each builder makes one valid row; whatever is given wins. Shared: append, do not rewrite."""

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client

from crasme.crm import partitions
from crasme.crm.models import (
    Account,
    BillingProfile,
    Contact,
    Credential,
    Deal,
    Device,
    Integration,
    Invoice,
    Note,
    Organisation,
    SyncedMessage,
    UsageEvent,
)
from crasme.staff.models import ApiKey, User
from crasme.staff.services import issue_key
from privacy.models import Request, Step
from privacy.services import confirmation, intake, verification
from privacy.steps import runner
from retention.models import Rule

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
TODAY = NOW.date()
_numbers = itertools.count(1)


# --- staff -----------------------------------------------------------------------------------------------------------
def make_user(*roles: str, **fields: Any) -> User:
    """Somebody who works here, in the groups named; `is_superuser=True` for everything."""
    number = next(_numbers)
    defaults: dict[str, Any] = {"first_name": "Kim", "last_name": f"Staff {number}", "is_staff": True}
    email = fields.pop("email", f"staff{number}@crasme.example")
    user = User.objects.create_user(email, **defaults | fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def sign_in(client: Client, user: User) -> User:
    """Past the gate of the admin: the user has a second factor, and the client is theirs."""
    Authenticator.objects.get_or_create(user=user, type=Authenticator.Type.TOTP, defaults={"data": {"secret": ""}})
    client.force_login(user)
    return user


def make_api_key(*scopes: str, now: datetime | None = None) -> tuple[ApiKey, str]:
    """A usable key and the value of its Authorization header."""
    now = now or datetime.now(UTC)
    user = make_user()
    key, secret = issue_key(
        name="test", scopes=scopes, expires_at=now + timedelta(days=1), created_by=user, actor=user.ref, now=now
    )
    return key, f"Bearer {secret}"


# --- CRM -------------------------------------------------------------------------------------------------------------
def make_organisation(**fields: Any) -> Organisation:
    defaults = {"name": f"Organisation {next(_numbers)}", "country": "AT", "created_at": NOW - timedelta(days=1500)}
    return Organisation.objects.create(**defaults | fields)


def make_account(**fields: Any) -> Account:
    """An active account; `closed_at=…` makes it a closed one."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "email": f"person{number}@customer.example",
        "full_name": f"Person {number}",
        "phone": "+43 1 9346633",
        "business_address": "Hauptstraße 1, 1010 Wien",
        "job_title": "Dispatcher",
        "created_at": NOW - timedelta(days=1200),
    }
    if "organisation" not in fields:
        defaults["organisation"] = make_organisation()
    if fields.get("closed_at"):
        defaults["status"] = Account.Status.CLOSED
    return Account.objects.create(**defaults | fields)


@cache
def _strong_hash() -> str:
    return make_password("correct horse")  # strong means slow: once is enough


def make_credential(account: Account) -> Credential:
    return Credential.objects.create(account=account, password_hash=_strong_hash(), changed_at=NOW)


def make_billing_profile(account: Account, **fields: Any) -> BillingProfile:
    defaults = {
        "billing_name": account.full_name,
        "billing_email": account.email,
        "billing_address": "Hauptstraße 1, 1010 Wien",
        "processor": "stripe",
        "processor_customer": f"cus_{account.pk.hex[:14]}",
        "updated_at": NOW,
    }
    return BillingProfile.objects.create(account=account, **defaults | fields)


def make_invoice(account: Account, *, issued_on: date = TODAY, **fields: Any) -> Invoice:
    defaults = {
        "number": f"R{issued_on:%Y}-{next(_numbers):06}",
        "organisation": account.organisation,
        "billed_name": account.full_name,
        "billed_address": "Hauptstraße 1, 1010 Wien",
        "billed_email": account.email,
        "description": "Subscription",
        "currency": "EUR",
        "net": Decimal("100.00"),
        "tax": Decimal("20.00"),
        "processor": "stripe",
        "processor_reference": f"pi_{next(_numbers)}",
    }
    return Invoice.objects.create(account=account, issued_on=issued_on, **defaults | fields)


def make_device(account: Account, **fields: Any) -> Device:
    defaults = {
        "kind": Device.Kind.DESKTOP,
        "operating_system": "Ubuntu 24.04",
        "browser": "Firefox 142",
        "ip_address": "203.0.113.7",
        "first_seen_at": NOW - timedelta(days=30),
        "last_seen_at": NOW,
    }
    return Device.objects.create(account=account, **defaults | fields)


def make_integration(account: Account, *, messages: int = 0, **fields: Any) -> Integration:
    defaults = {
        "provider": Integration.Provider.GMAIL,
        "scopes": ["gmail.metadata"],
        "access_token": "ya29.access",
        "refresh_token": "1//refresh",
        "sync_cursor": "c-77",
        "connected_at": NOW - timedelta(days=20),
    }
    integration = Integration.objects.create(account=account, **defaults | fields)
    SyncedMessage.objects.bulk_create(
        SyncedMessage(integration=integration, provider_id=f"18c{number:013x}", direction="sent", sent_at=NOW)
        for number in range(messages)
    )
    return integration


def make_contact(owner: Account, **fields: Any) -> Contact:
    defaults = {"full_name": "Ada Berger", "email": "ada@elsewhere.example", "created_at": NOW}
    return Contact.objects.create(owner=owner, **defaults | fields)


def make_deal(owner: Account, **fields: Any) -> Deal:
    return Deal.objects.create(owner=owner, **{"title": "Twelve vans", "created_at": NOW} | fields)


def make_note(owner: Account, **fields: Any) -> Note:
    return Note.objects.create(owner=owner, **{"body": "Call back on Monday.", "created_at": NOW} | fields)


def make_events(account: Account, moments: Iterable[datetime], **fields: Any) -> list[UsageEvent]:
    """One event at each instant (aware), in whichever months; the months are made."""
    instants = list(moments)
    partitions.make_span(min(instants), max(instants))
    defaults = {"kind": UsageEvent.Kind.PAGE, "name": "deals"}
    return UsageEvent.objects.bulk_create(
        UsageEvent(account=account, occurred_at=instant, **defaults | fields) for instant in instants
    )


# --- privacy ---------------------------------------------------------------------------------------------------------
def submit_request(
    kind: str = "access", email: str = "ana@customer.example", *, now: datetime = NOW, **fields: Any
) -> Request:
    """A request as the public form makes it: received, not confirmed."""
    return intake.submit(intake.Submission(kind=kind, email=email, **fields), now=now)


def confirm_request(request: Request, *, now: datetime = NOW) -> Request:
    """The mailbox is proven; the first step is due. Returns the request that goes on."""
    issued = verification.issue(request, now=now)
    return confirmation.confirm_by_link(issued.token, now=now)


def run_steps(now: datetime = NOW) -> int:
    """Do every step that is due, as workers would, until nothing is; the number done."""
    done = 0
    while True:
        now += timedelta(seconds=1)  # the next steps are due at the instant at which the ones before ended
        due = list(Step.objects.automatic().claimable(now).values_list("pk", flat=True))
        if not due:
            # On a busy machine a step takes seconds, and the next one is due as much later; no retry comes so soon.
            now += timedelta(seconds=20)
            due = list(Step.objects.automatic().claimable(now).values_list("pk", flat=True))
        if not due:
            return done
        done += sum(runner.run(pk, now=now) for pk in due)


def reviewed_request(kind: str = "access", email: str = "ana@customer.example", *, now: datetime = NOW) -> Request:
    """A request that waits for a person to decide."""
    request = confirm_request(submit_request(kind, email, now=now), now=now)
    run_steps(now)
    request.refresh_from_db()
    return request


# --- retention -------------------------------------------------------------------------------------------------------
def change_rule(slug: str, **fields: Any) -> Rule:
    """The rule in force, changed in place as no product code can: the database refuses it to everybody else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Rule.objects.active().filter(slug=slug).update(**fields)
        cursor.execute("SET LOCAL session_replication_role = origin")
    return Rule.objects.filter(slug=slug).order_by("state", "-effective_from")[0]
