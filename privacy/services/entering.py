"""A colleague enters what came by telephone or post.

What could go wrong: a caller gives an address of their own and gets somebody's data. Everything that is ever sent goes
to an address that was on file before the call: with an account its address counts, whatever the caller said, and how
identity was shown can only be noted where there is a number or an address on file to show it by. Whoever holds the
account is told at once, by the mail that asks to confirm or by the one that says that work has begun. Or the time that
a letter lay about is lost: the clock runs from the day on which it arrived.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext as _, gettext_lazy

from crasme.crm.models import Account
from crasme.kit.clock import controller_day
from crasme.ledger.services import record
from crasme.staff.models import User
from privacy import verbs
from privacy.clock.regimes import Regime, of_country
from privacy.errors import Incomplete
from privacy.models import Request
from privacy.services import confirmation, intake
from privacy.services.desk import require
from privacy.services.intake import Submission
from privacy.states import State

LONGEST_AGO: Final = timedelta(days=90)
CHANNELS: Final = (Request.Channel.PHONE, Request.Channel.POST)
FOUND_AT_ONCE: Final = 10
NOBODY: Final = gettext_lazy("Find the account, or give the e-mail address that the answer goes to.")


class Identity(TextChoices):
    """How it was shown who asks; also what the confirmation is recorded by."""

    NOT_YET = "mail", gettext_lazy("Not yet: a mail asks the person to confirm")
    CALLED_BACK = "phone", gettext_lazy("Called back at the number on file")
    LETTER = "post", gettext_lazy("By letter to the address on file")


@dataclass(frozen=True, slots=True)
class Entered:
    """What the colleague was told. `account` goes before `email`; one of them has to be there.

    Without a language or a law, those of the account hold.
    """

    kinds: Sequence[str]
    channel: str
    received_on: date
    account: UUID | None = None
    email: str = ""
    full_name: str = ""
    language: str = ""
    regime: str = ""
    about: str = ""
    details: str = ""
    identity: str = Identity.NOT_YET


def enter(told: Entered, *, by: User, now: datetime) -> list[Request]:
    """Store the requests, in the order of `kinds`, and tell the person by mail. Incomplete says what is missing.

    ValidationError names the field that holds a payment card number.
    """
    require(by, "work_request")
    received_at = _arrival(told.received_on, now)
    if not told.kinds or told.channel not in CHANNELS:
        raise Incomplete(_("Choose what is asked for, and how it came."))
    account = _account(told)
    email = account.email if account else told.email
    if not email:
        raise Incomplete(str(NOBODY))
    _require_on_file(told.identity, account)
    wishes = [
        Submission(
            kind=kind,
            email=email,
            full_name=told.full_name,
            language=told.language or _language(account),
            details=told.details,
            regime=told.regime or _regime(account),
            channel=told.channel,
            about=told.about,
            entered_by=by,
            received_at=received_at,
        )
        for kind in dict.fromkeys(told.kinds)
    ]
    shown = told.identity != Identity.NOT_YET
    with transaction.atomic():
        stored = intake.submit_many(wishes, now=now, ask=not shown)
        for request in stored:
            record(verbs.ENTERED.name, actor=by.ref, subject=request.ref, channel=told.channel, identity=told.identity)
        if shown:
            confirmation.proven(stored[0], by=told.identity, now=now)
    for request in stored:
        request.refresh_from_db()
    return stored


def find(text: str) -> QuerySet[Account]:
    """Accounts by whole address, or by how parts of the name begin: the few that a caller can mean."""
    text = text.strip()
    present = Account.objects.present()
    meant = present.by_email(text) if "@" in text else present.named(text)
    return meant.select_related("organisation").order_by("full_name", "pk")[:FOUND_AT_ONCE]


def meant_exactly(text: str, found: Sequence[Account]) -> Account | None:
    """Of what was found, the only one whose whole address or name it is."""
    wanted = text.strip().casefold()
    exact = [each for each in found if wanted in (each.email.casefold(), each.full_name.casefold())]
    return exact[0] if len(exact) == 1 else None


def on_file(request: Request) -> Account | None:
    """The account that has the address of a request that was entered, until the mailbox is proven and it is looked for:
    the one that was chosen. Nothing of it may be done before.
    """
    if request.channel not in CHANNELS or request.state not in (State.RECEIVED, State.CONFIRMED):
        return None
    account: Account | None = Account.objects.present().by_email(request.person.email).first()
    return account


def _account(told: Entered) -> Account | None:
    present = Account.objects.present()
    if told.account is not None:
        chosen: Account | None = present.filter(pk=told.account).first()
        if chosen is None:
            raise Incomplete(_("There is no such account any more."))
        return chosen
    found: Account | None = present.by_email(told.email).first() if told.email else None
    return found


def _language(account: Account | None) -> str:
    spoken = account.language if account else ""
    return spoken if spoken in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _regime(account: Account | None) -> str:
    return of_country(account.organisation.country) if account else Regime.OTHER


def _require_on_file(identity: str, account: Account | None) -> None:
    if identity not in Identity:
        raise Incomplete(_("Say how it was shown who asks."))
    on_file = {
        Identity.NOT_YET: True,
        Identity.CALLED_BACK: account is not None and account.phone,
        Identity.LETTER: account is not None and account.business_address,
    }
    if not on_file[Identity(identity)]:
        raise Incomplete(
            _("Nothing is on file under this address by which that could have been shown."),
            remedy=_("Never use a number or an address that the caller gave; let a mail ask for the confirmation."),
        )


def _arrival(received_on: date, now: datetime) -> datetime:
    """The instant that stands for that day: this one today, noon on any earlier day."""
    today = controller_day(now)
    if not today - LONGEST_AGO <= received_on <= today:
        raise Incomplete(
            _("The day of arrival lies in the future, or more than 90 days ago."),
            remedy=_("What lay about for longer is for the privacy officer; enter it with today's date and a note."),
        )
    if received_on == today:
        return now
    return datetime.combine(received_on, time(12), tzinfo=ZoneInfo(settings.CONTROLLER_ZONE)).astimezone(UTC)
