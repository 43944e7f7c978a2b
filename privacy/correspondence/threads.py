"""One conversation in the reader's mailbox: what a mail follows on from.

What could go wrong: the mails of one request lie about singly, or a mail to a recipient of data shows up in the thread
of the person. Every mail names the same root, which is no mail but the request that leads the correspondence (RFC 5322
lets References name what nobody received), so that clients keep them together whichever of them arrived; In-Reply-To
names the last one before it between the same two, and the first mail has none, because it answers nothing.
"""

from django.db.models import QuerySet

from crasme.kit.claims import WorkState
from crasme.kit.statements import Fetch
from privacy.correspondence.queue import mail_domain
from privacy.models import Message

LONGEST = 12  # ids in References; a thread of years must not outgrow a header


def _mails() -> QuerySet[Message]:
    """Without their words, which nobody needs here."""
    who = ("addressee", "recipient", "colleague", "referral")
    found: QuerySet[Message] = Message.objects.order_by()
    return found.only("direction", "state", "mail_id", "origin_id", "created_at", *who)


# Apart: a condition on two tables at once would read all mails there are.
_OF_LEAD, _OF_LINKED = Fetch(_mails, "request"), Fetch(_mails, "request__lead")


def headers(message: Message) -> dict[str, str]:
    """References, and In-Reply-To unless this is the first mail."""
    before = earlier(message)
    found = {"References": " ".join(dict.fromkeys([root(message), *before[-LONGEST:]]))}
    return found | ({"In-Reply-To": before[-1]} if before else {})


def root(message: Message) -> str:
    """The id that all mails about what one message asked for have in common."""
    return f"<{message.request.lead_id or message.request_id}@{mail_domain()}>"


def earlier(message: Message) -> list[str]:
    """Message-IDs of what went to and came from the same addressee before, in order (of theirs, as they gave them)."""
    lead = message.request.lead_id or message.request_id
    same = [each for each in (*_OF_LEAD(lead), *_OF_LINKED(lead)) if _between(each) == _between(message)]
    before = [each for each in same if each.pk != message.pk and (_is_theirs(each) or each.state == WorkState.DONE)]
    before.sort(key=lambda each: (each.created_at, each.pk))
    named = [each.origin_id if _is_theirs(each) else each.mail_id for each in before]
    return [mail_id for mail_id in named if mail_id]  # what was typed on the page has none


def _between(message: Message) -> tuple[object, ...]:
    """Who it is that we write with."""
    return message.addressee, message.recipient_id, message.colleague_id, message.referral_id


def _is_theirs(message: Message) -> bool:
    return message.direction == Message.Direction.IN
