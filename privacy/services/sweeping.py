"""What must happen without anybody asking: the sweep finds it in PostgreSQL each minute.

What could go wrong: the broker lost a wake-up, a worker died with a lease, a mailbox was never proven, an answer has
been sent and the address is still there. Everything found here is found again the next minute until it is done.
"""

from datetime import datetime, timedelta

from django.db import transaction

from crasme.kit.errors import CrasmeError
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import verbs, wake
from privacy.clock.rules import VERSION
from privacy.models import InboundMail, Message, Person, Request, Step
from privacy.services import people
from privacy.services.closing import closed
from privacy.services.recompute import recompute
from privacy.states import State
from privacy.steps.definitions import spec_of

# A fresh row was announced when it was committed; announcing it again at once would only double the messages.
ANNOUNCED = timedelta(seconds=20)
AT_ONCE = 500
UNCONFIRMED_AFTER = timedelta(days=14)


def wake_steps(now: datetime) -> int:
    """Announce steps that are due or whose worker vanished; the number announced."""
    waiting = Step.objects.automatic().claimable(now - ANNOUNCED).order_by("next_attempt_at")
    found = list(waiting.values_list("pk", "kind", "request__kind")[:AT_ONCE])
    for pk, kind, request_kind in found:
        wake.publish(wake.STEP, spec_of(request_kind, kind).queue, str(pk))
    return len(found)


def wake_messages(now: datetime) -> int:
    """The same for mails."""
    waiting = Message.objects.outgoing().claimable(now - ANNOUNCED).order_by("next_attempt_at")
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    for pk in found:
        wake.publish(*wake.SEND, str(pk))
    return len(found)


def wake_mails(now: datetime) -> int:
    """The same for mail that came in."""
    waiting = InboundMail.objects.claimable(now - ANNOUNCED).order_by("next_attempt_at")
    found = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    for pk in found:
        wake.publish(*wake.SORT, str(pk))
    return len(found)


def lapse_unconfirmed(now: datetime) -> int:
    """Close what nobody ever confirmed, and forget whose address it was; the number closed."""
    count = 0
    for pk in Request.objects.unconfirmed_since(now - UNCONFIRMED_AFTER).values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            request = Request.objects.select_for_update().get(pk=pk)
            if request.state != State.RECEIVED:
                continue
            request.lapse(now=now)
            closed(request, actor=system("privacy"), now=now)
            record(verbs.LAPSED.name, actor=system("privacy"), subject=request.ref, days=UNCONFIRMED_AFTER.days)
            people.forget_stranger(request, now=now)
        count += 1
    return count


def follow_the_rules(now: datetime) -> int:
    """Derive the dates of open requests anew after a deployment has changed the rules; how many have others."""
    if not Request.objects.open().exclude(rules_version=VERSION).exists():
        return 0
    return recompute(actor=system("clock"))


def forget_people(now: datetime) -> int:
    """Empty the rows of people who were erased and have been told; the number of people.

    Whoever cannot be forgotten, because something blocks it, does not keep the others waiting.
    """
    count, failures = 0, []
    for person in Person.objects.forgettable(now).order_by("forget_from")[:AT_ONCE]:
        try:
            count += people.forget(person, now=now)
        except CrasmeError as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup("People who were erased could not be forgotten.", failures)
    return count
