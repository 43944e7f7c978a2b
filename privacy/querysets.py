"""The vocabulary in which this room asks for requests, people and work. Dates are the controller's calendar days."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q

from crasme.kit.cards import CardFreeQuerySet
from crasme.kit.claims import ClaimableQuerySet, WorkState
from crasme.kit.crypto import keyed_hash
from crasme.kit.text import normalise_email
from privacy.states import State

AT_RISK_DAYS = 7
PARKED = (WorkState.PARKED,)
REMIND_AFTER = timedelta(days=7)
MOST_REMINDERS = 2
SETTLED = ("filed", "ignored")  # of a mail that came in: nobody has to decide about it any more


def email_hash(address: str) -> str:
    """What a person's address is looked up by: 64 hexadecimal digits, under a key that only this room derives."""
    return keyed_hash("privacy.person", normalise_email(address))


class PersonQuerySet(models.QuerySet[Any]):
    def by_email(self, address: str) -> Self:
        """At most one row; also finds people whose address has been forgotten since."""
        return self.filter(email_hash=email_hash(address))

    def forgettable(self, now: datetime) -> Self:
        """Erased people whose last letter has gone out (or can no longer go out), who have nothing open and no copy
        to fetch: the erasure destroyed the earlier ones, so one that is there was asked for besides.
        """
        from_request = self.model._meta.get_field("requests").related_model._base_manager
        from_mail = self.model._meta.get_field("mails").related_model.objects
        own = from_request.filter(person=OuterRef("pk"))
        waiting = own.filter(
            Q(messages__state__in=(WorkState.DUE, WorkState.LEASED))
            # A letter that bounces for ever must not keep the address for ever.
            | Q(messages__state=WorkState.PARKED, messages__created_at__gt=now - timedelta(days=30))
        )
        return (
            self.filter(forget_from__lte=now)
            .exclude(email="")
            .filter(~Exists(own.exclude(state=State.CLOSED)), ~Exists(waiting))
            .filter(~Exists(own.filter(packages__isnull=False, packages__deleted_at=None)))
            # What they wrote last may be another wish: somebody has to look first.
            .filter(~Exists(from_mail.filter(person=OuterRef("pk")).holding()))
            # A customer who was asked must still be able to see whom it is about.
            .filter(~Exists(own.filter(referrals__sent_at__isnull=False, referrals__closed_at=None)))
        )


class RequestQuerySet(CardFreeQuerySet):
    def open(self) -> Self:
        return self.exclude(state=State.CLOSED)

    def overdue(self, today: date) -> Self:
        """Not answered by the effective day; that day itself is still in time."""
        return self.open().filter(effective_due__lt=today)

    def due_soon(self, today: date) -> Self:
        """To be answered within a week, today included; what is late already is not soon."""
        return self.open().filter(effective_due__range=(today, today + timedelta(days=AT_RISK_DAYS)))

    def at_risk(self, today: date) -> Self:
        """Due within a week, or stopped by work that needs a person: neither may vanish from sight."""
        soon = Q(effective_due__lte=today + timedelta(days=AT_RISK_DAYS))
        return self.open().filter(effective_due__gte=today).filter(soon | self._is_stuck())

    def stuck(self) -> Self:
        """Open, and stopped by work that needs a person: parked steps, and mails that nobody got.

        An address that bounced before anybody had proven it stops nothing: whoever asked gave a wrong one.
        """
        return self.open().filter(self._is_stuck())

    def _is_stuck(self) -> Q:
        steps: Any = self.model._meta.get_field("steps").related_model._base_manager
        mails: Any = self.model._meta.get_field("messages").related_model._default_manager
        wrong_address = Q(request__state=State.RECEIVED, bounced_at__isnull=False)
        lost = mails.undelivered().exclude(addressee="colleague").exclude(wrong_address)
        parked = steps.filter(state=WorkState.PARKED)
        return Q(pk__in=parked.values("request")) | Q(pk__in=lost.values("request"))

    def proven(self) -> Self:
        """Whoever asked has shown that they read the mailbox."""
        return self.filter(confirmed_at__isnull=False, without_proof=False)

    def with_undelivered_mail(self) -> Self:
        """Somebody has not been told, whatever the request's state says."""
        mails: Any = self.model._meta.get_field("messages").related_model._default_manager
        return self.filter(pk__in=mails.undelivered().values("request"))

    def with_unread_mail(self) -> Self:
        """Somebody has answered and nobody has looked, be it open or closed."""
        mails: Any = self.model._meta.get_field("messages").related_model._default_manager
        return self.filter(pk__in=mails.unread().values("request"))

    def by_email(self, address: str) -> Self:
        return self.filter(person__email_hash=email_hash(address))

    def unconfirmed_since(self, moment: datetime) -> Self:
        """Asked to confirm before `moment` (UTC), and never confirmed. What arrived long before it was entered has its
        days to confirm like any other.
        """
        messages: models.Manager[Any] = self.model._meta.get_field("messages").related_model._base_manager
        asked = messages.filter(
            Q(request=OuterRef("pk")) | Q(request=OuterRef("lead")),
            template="confirm",
            period_key="1",
            created_at__gte=moment,
        )
        return self.filter(state=State.RECEIVED, received_at__lt=moment).filter(~Exists(asked))

    def without_claims(self) -> Self:
        """What a representative asks for somebody who has not confirmed it is nobody's yet, and left out."""
        claimed = Q(representative__isnull=False) | Q(lead__representative__isnull=False)
        return self.exclude(claimed, state=State.RECEIVED)

    def same_wish(self, request: Any) -> Self:
        """Open requests of the same person for the same thing, the given one left out."""
        return self.open().filter(person=request.person_id, kind=request.kind).exclude(pk=request.pk)


class AlertQuerySet(models.QuerySet[Any]):
    def standing(self) -> Self:
        """Of open requests, and about the day on which they are due now."""
        return self.exclude(request__state=State.CLOSED).filter(due=F("request__effective_due"))


class StepQuerySet(ClaimableQuerySet):
    def automatic(self) -> Self:
        return self.filter(manual=False)

    def current(self) -> Self:
        """Of the round that counts; earlier rounds stay as a record."""
        return self.filter(round=F("request__round"))


class MessageQuerySet(ClaimableQuerySet):
    def outgoing(self) -> Self:
        return self.filter(direction="out")

    def undelivered(self) -> Self:
        """Given up, or sent and come back."""
        came_back = Q(state=WorkState.DONE, bounced_at__isnull=False)
        return self.outgoing().filter(Q(state=WorkState.PARKED) | came_back)

    def of_conversation(self, request: Any) -> Self:
        """Of everything that one message asked for: a conversation is one, whichever wish a mail was about."""
        lead = request.lead_id or request.pk
        return self.filter(Q(request=lead) | Q(request__lead=lead))

    def unread(self) -> Self:
        """What came in and nobody has looked at yet."""
        return self.filter(direction="in", read_at=None)

    def unread_words(self) -> Self:
        """Of these, what is still there to be read: words, or a file."""
        return self.unread().filter(Q(body__isnull=False) | Q(attachments__content__isnull=False)).distinct()

    def with_person(self) -> Self:
        """What the person was told and has told us; not what went to or came from others about them."""
        emptied = Q(state=WorkState.DONE, subject__isnull=True, body__isnull=True)
        return self.filter(addressee="person").filter(Q(direction="in") | Q(state=WorkState.DONE)).exclude(emptied)


class InboundMailQuerySet(ClaimableQuerySet):
    def waiting(self) -> Self:
        """For a person to decide about."""
        return self.filter(status__in=("triage", "failed"))

    def adopt(self, person: Any) -> int:
        """Mail from this address from before anything was asked becomes theirs, to be shown and erased with them."""
        return self.filter(person=None, sender_hash=person.email_hash).update(person=person)

    def unsettled(self) -> Self:
        """Not decided about by anybody yet."""
        return self.exclude(status__in=SETTLED)

    def holding(self) -> Self:
        """What an erasure waits for: not decided about, and known to come from whom it names. Anybody can write
        another's name into a mail, so any other holds up nothing.
        """
        return self.unsettled().filter(sender_check="passed")

    def of_address(self, address: str) -> Self:
        return self.filter(sender_hash=email_hash(address)) if address else self.none()

    def set_aside(self) -> Self:
        """Put aside, with what can still be read of it."""
        return self.filter(status="ignored").exclude(sender__isnull=True, subject__isnull=True, body__isnull=True)

    def of_forgotten(self) -> Self:
        """Set aside of people who have been forgotten, as long as it names them: there must be none."""
        return self.filter(status="ignored", person__isnull=False, sender__isnull=False, person__email="")


class AttachmentQuerySet(models.QuerySet[Any]):
    def of_request(self, request: Any) -> Self:
        return self.filter(message__request=request)

    def identity_documents(self) -> Self:
        """Those that are still there."""
        return self.filter(identity=True, destroyed_at=None)


class VerificationQuerySet(models.QuerySet[Any]):
    def usable(self, now: datetime) -> Self:
        return self.filter(used_at=None, expires_at__gt=now)


class PackageQuerySet(models.QuerySet[Any]):
    def available(self, now: datetime) -> Self:
        return self.filter(deleted_at=None, expires_at__gt=now)

    def expired(self, now: datetime) -> Self:
        """Over, but the file and its key are still there."""
        return self.filter(deleted_at=None, expires_at__lte=now)


class WebhookEndpointQuerySet(models.QuerySet[Any]):
    def hearing(self, event: str) -> Self:
        """Switched on, and told of this event."""
        return self.filter(active=True, events__contains=[event])

    def given_up(self) -> Self:
        """Switched off, and not by a colleague."""
        return self.filter(active=False).exclude(off_why="by-hand")


class WebhookDeliveryQuerySet(ClaimableQuerySet):
    def sendable(self, now: datetime) -> Self:
        """Claimable, and the receiver is not being left alone for a while."""
        return self.claimable(now).exclude(endpoint__rest_until__gt=now)


class CorrectionQuerySet(CardFreeQuerySet):
    def live(self) -> Self:
        """Proposed, and neither written nor closed."""
        return self.filter(proposed__isnull=False)

    def open(self) -> Self:
        """Nobody has decided yet."""
        return self.live().filter(decision="open")

    def to_write(self, request: Any) -> Self:
        """Accepted in the request's current round and not written yet."""
        return self.live().filter(request=request, round=request.round, decision="accepted", applied_at=None)


class RecipientNoticeQuerySet(models.QuerySet[Any]):
    def waiting(self) -> Self:
        """Told, and not acknowledged."""
        return self.filter(acknowledged_at=None, why_not="")

    def overdue(self, today: date) -> Self:
        """Not acknowledged by its day; that day itself is still in time."""
        return self.waiting().filter(due_on__lt=today)

    def to_remind(self, now: datetime) -> Self:
        """Silent for a week since the notice went out, or since the last reminder; two reminders at most."""
        late = now - REMIND_AFTER
        silent = Q(reminded_at=None, message__finished_at__lte=late) | Q(reminded_at__lte=late)
        return self.waiting().filter(silent, reminders__lt=MOST_REMINDERS).order_by("pk")

    def of_round(self, request: Any) -> Self:
        """What was told in the request's current round, in the order of the register."""
        return self.filter(request=request, round=request.round).in_order()

    def in_order(self) -> Self:
        """With their recipients and mails, in the order of the register."""
        return self.select_related("recipient", "message").order_by("recipient__kind", "recipient__name")


class ReferralQuerySet(models.QuerySet[Any]):
    def waiting(self) -> Self:
        """Found and not passed on yet."""
        return self.filter(sent_at=None, contacts__gt=0)

    def open(self) -> Self:
        """Passed on, and nobody knows yet what came of it."""
        return self.filter(sent_at__isnull=False, closed_at=None)

    def overdue(self, today: date) -> Self:
        """The customer should have acted by now; the day itself is still in time."""
        return self.open().filter(due_on__lt=today)

    def figures(self, today: date) -> dict[str, int]:
        """How many are late, waiting, unreachable and not passed on; one query."""
        passed_on = Q(sent_at__isnull=False, closed_at=None)
        found = Q(sent_at=None, contacts__gt=0)
        conditions = {
            "late": passed_on & Q(due_on__lt=today),
            "waiting": passed_on & Q(due_on__gte=today),
            "mute": found & Q(unreachable=True),  # a column may not lend its name
            "found": found & Q(unreachable=False),
        }
        return self.aggregate(**{name: Count("pk", filter=condition) for name, condition in conditions.items()})

    def remindable(self, now: datetime, after: Sequence[int]) -> Self:
        """Whose next reminder, so many days after it was passed on, is due."""
        due = [Q(reminders=number, sent_at__lte=now - timedelta(days=days)) for number, days in enumerate(after)]
        return self.open().filter(reduce(or_, due))
