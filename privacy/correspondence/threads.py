"""One conversation in the reader's mailbox: what a mail follows on from.

What could go wrong: the mails of one request lie about singly, or a mail to a recipient of data shows up in the thread
of the person. Every mail names the same root, which is no mail but the request that leads the correspondence (RFC 5322
lets References name what nobody received), so that clients keep them together whichever of them arrived; In-Reply-To
names the last one before it between the same two, and the first mail has none, because it answers nothing.
"""

from django.db.models import Q

from crasme.kit.claims import WorkState
from privacy.correspondence.queue import mail_domain
from privacy.models import Message, Request

LONGEST = 12  # ids in References; a thread of years must not outgrow a header


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
    same = Message.objects.filter(
        # A condition on two tables at once would read all mails there are.
        Q(request__in=Request.objects.filter(Q(pk=lead) | Q(lead=lead)).order_by().values("pk")),
        Q(direction=Message.Direction.IN) | Q(state=WorkState.DONE),
        addressee=message.addressee,
        recipient=message.recipient_id,
        colleague=message.colleague_id,
        referral=message.referral_id,
    )
    found = same.exclude(pk=message.pk).order_by("created_at", "id").values_list("direction", "mail_id", "origin_id")
    named = (theirs if direction == Message.Direction.IN else ours for direction, ours, theirs in found)
    return [mail_id for mail_id in named if mail_id]  # what was typed on the page has none
