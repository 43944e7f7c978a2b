"""The preference page of marketing: proving the mailbox for it, and saving what was chosen there.

What could go wrong: the page says whether an address is known (whatever was typed is one row and one mail, customer or
not; the page opened by it offers the same topics to everybody), somebody else's mailbox is filled (few mails an hour
to one address), or a choice is made in somebody's name by a scanner (looking changes nothing; a button does).
"""

import logging
import smtplib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from consent import preferences
from consent.models.choices import person_ref
from crasme.kit.claims import WorkState, cancel, claim, finish, retry_or_park
from crasme.kit.crypto import new_token, token_digest
from crasme.kit.text import normalise_email
from crasme.staff.actors import person as by_person
from privacy.errors import LinkSpent
from privacy.handoff import HandOff, HandOffRefused
from privacy.models import PreferenceLink, SpentHandOff
from privacy.services import handoffs
from privacy.wake import PREFERENCES, wake

log = logging.getLogger(__name__)
LIFETIME: Final = timedelta(hours=24)
LEASE: Final = timedelta(minutes=2)
MAX_ATTEMPTS: Final = 12
ANNOUNCED: Final = timedelta(seconds=20)
AT_ONCE: Final = 200


@transaction.atomic
def ask(address: str, *, language: str, now: datetime) -> PreferenceLink:
    """A mail with a link shall go to this address, whoever reads it."""
    link = _row(normalise_email(address), language, now)
    link.save()
    wake(*PREFERENCES, link.pk)
    return link


def send(link_id: UUID, *, now: datetime) -> bool:
    """Make the link and mail it, if it is due and nobody else has it. Whether it went."""
    link = claim(PreferenceLink, link_id, now=now, lease=LEASE)
    if link is None:
        return False
    if link.asked_at + LIFETIME <= now:
        cancel(link, now=now)  # whoever asked has asked again by now
        return False
    token = new_token()
    PreferenceLink.objects.filter(pk=link.pk).update(token_digest=token_digest(token), expires_at=now + LIFETIME)
    try:
        with translation.override(link.language):
            page = f"{settings.SITE_URL}{reverse('preferences-open', args=[token])}"
            context = {"link": page, "hours": int(LIFETIME.total_seconds()) // 3600}
            EmailMessage(
                subject=_("Your marketing preferences"),
                body=render_to_string("portal/preferences/mail.txt", context),
                to=[link.email],
                # An answer to a question, so no List-… header: there is nothing to unsubscribe from.
                headers={"Auto-Submitted": "auto-generated", "Content-Language": link.language},
            ).send()
    except (smtplib.SMTPException, OSError) as error:
        log.warning("A link to the preference page could not be sent: %s.", type(error).__name__)
        retry_or_park(link, f"smtp-{type(error).__name__.lower()}"[:64], now=now, max_attempts=MAX_ATTEMPTS)
        return False
    finish(link, now=now)
    return True


def send_due(now: datetime) -> int:
    """Each minute: what no worker was woken for; the number of mails that went."""
    waiting = PreferenceLink.objects.claimable(now - ANNOUNCED).order_by("next_attempt_at")
    return sum(send(pk, now=now) for pk in list(waiting.values_list("pk", flat=True)[:AT_ONCE]))


def known(token: str, *, now: datetime) -> bool:
    """Whether this link could be used now. Looking changes nothing."""
    return _usable(token, now).exists()


def prove(token: str, *, now: datetime) -> PreferenceLink:
    """Use the link up: its reader has the mailbox. LinkSpent for any other, and for all but the first."""
    digest = token_digest(token)
    if not _usable(token, now).update(used_at=now):
        raise LinkSpent(_("This link has run out, or was used."))
    return PreferenceLink.objects.get(token_digest=digest)


@transaction.atomic
def vouched(handed: HandOff, *, now: datetime) -> PreferenceLink:
    """The product says that the account's owner is signed in there; the hand-off is spent. HandOffRefused."""
    account = handoffs.account_of(handed)
    try:
        with transaction.atomic():
            SpentHandOff.objects.create(digest=handed.once, spent_at=now)
    except IntegrityError:
        raise HandOffRefused from None
    link = _row(normalise_email(account.email), handed.language or settings.LANGUAGE_CODE, now)
    link.account, link.used_at = account.pk, now
    link.state, link.finished_at = WorkState.DONE, now
    link.save()
    return link


def opened(link_id: UUID, *, now: datetime, lifetime: timedelta) -> PreferenceLink | None:
    """The proof behind an open page; None when it is not there or too long ago."""
    return PreferenceLink.objects.filter(pk=link_id, used_at__gt=now - lifetime).first()


def save(link: PreferenceLink, wanted: Collection[str], *, event_id: UUID, language: str, now: datetime) -> bool:
    """What the person wants, and nothing else; whether it was new. BadChoice for what is not on offer."""
    return preferences.choose(
        link.email,
        wanted=wanted,
        event_id=event_id,
        verification=link.pk,
        actor=by_person(link.subject),
        account=link.account,
        language=language,
        now=now,
    )


def _row(address: str, language: str, now: datetime) -> PreferenceLink:
    return PreferenceLink(
        email=address, subject=person_ref(address), language=language, asked_at=now, next_attempt_at=now
    )


def _usable(token: str, now: datetime) -> QuerySet[PreferenceLink]:
    return PreferenceLink.objects.filter(token_digest=token_digest(token), used_at=None, expires_at__gt=now)
