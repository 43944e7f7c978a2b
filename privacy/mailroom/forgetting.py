"""Mail that was set aside, when its sender is erased or has been.

What could go wrong: a machine's answer to our last letter, or a mail that nobody filed, keeps the address and the words
of somebody who was told that nothing is left. So whatever was set aside of a forgotten person is emptied, as often as
it is asked; the row stays without them until its period is over, so that the same mail is known when it comes again.

Or somebody writes in another's name, and the other's data stays for as long as that mail lies unread. So only a mail
whose sender our own server has verified is waited for. Every other is let go: it still waits for a person, belongs to
nobody, delays nobody, and is emptied as soon as it is set aside.
"""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from crasme.kit import outside
from privacy.errors import MailWaits
from privacy.models import Attachment, InboundMail
from privacy.querysets import InboundMailQuerySet

AT_ONCE = 500
NOTHING = {"sender": None, "sender_hash": "", "subject": None, "body": None, "mail_id": "", "suggested": None}


def empty_of_forgotten(now: datetime) -> int:
    """What came in, or was set aside, after its sender had been forgotten; the number of mails."""
    return _empty(InboundMail.objects.of_forgotten())


def empty_of_address(address: str, *, now: datetime) -> int:
    """What was set aside of an address that is erased and belongs to nobody who asked; the number of mails.

    MailWaits while one that is known to be theirs has not been looked at: it may be a wish.
    """
    theirs = InboundMail.objects.of_address(address)
    if theirs.holding().exists():
        raise MailWaits(_("A mail from this address waits to be sorted; it must be looked at first."))
    let_go(theirs, now=now)
    keys = [str(pk) for pk in theirs.set_aside().values_list("pk", flat=True)]
    if keys:
        outside.note("empty", now=now, mails=keys)
    count = 0
    while emptied := _empty(theirs.set_aside()):  # nobody comes back for what is left over
        count += emptied
    return count


def let_go(mails: InboundMailQuerySet, *, now: datetime) -> int:
    """Those of them that wait and that nobody vouches for are nobody's from now on; how many."""
    keys = [str(pk) for pk in mails.unsettled().exclude(pk__in=mails.holding()).values_list("pk", flat=True)]
    if keys:
        outside.note("let-go", now=now, mails=keys)
    return let_go_again(keys)


def let_go_again(keys: Iterable[str]) -> int:
    """These, in a database from before as well: they must be there when the rows of the forgotten are deleted."""
    found = InboundMail.objects.filter(pk__in=list(keys)).unsettled()
    return found.update(person=None, why=InboundMail.Why.FORGOTTEN)


def set_aside(mail: InboundMail, *, now: datetime) -> None:
    """In the transaction that sets it aside: of whoever is forgotten nothing stays to be looked at again."""
    if mail.why == InboundMail.Why.FORGOTTEN:
        outside.note("empty", now=now, mails=[str(mail.pk)])
        _empty(InboundMail.objects.filter(pk=mail.pk))


def empty_again(keys: Iterable[str], *, now: datetime) -> int:
    """These, in a database from before they were looked at as well; the number of mails."""
    found = InboundMail.objects.filter(pk__in=list(keys))
    found.unsettled().update(status=InboundMail.Status.IGNORED, settled_at=now, person=None)
    count = 0
    while emptied := _empty(found.set_aside()):
        count += emptied
    return count


def _empty(mails: InboundMailQuerySet) -> int:
    found = list(mails.values_list("pk", flat=True)[:AT_ONCE])
    Attachment.objects.filter(mail__in=found).delete()
    return InboundMail.objects.filter(pk__in=found).update(**NOTHING)
