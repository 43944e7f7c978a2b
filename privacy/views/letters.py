"""What the person and we have written to each other, as its page shows it to whoever has proven the mailbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from privacy.correspondence.withheld import marked
from privacy.mailroom import quotes
from privacy.models import Attachment, Message, Request


@dataclass(frozen=True, slots=True)
class Letter:
    """`files` are names; what is in them stays with us, for the person has them. `withheld` says whether the text has
    places that were in the mail only.
    """

    ours: bool
    at: datetime
    subject: str
    text: str
    withheld: bool
    quoted: str
    files: Sequence[str]
    came_back: bool


def of(request: Request) -> list[Letter]:
    """The oldest first; of everything that one message asked for, and never what others were written."""
    found = Message.objects.of_conversation(request).with_person()
    files = Prefetch("attachments", Attachment.objects.defer("content"))
    return [_letter(message) for message in found.prefetch_related(files).order_by("created_at", "id")]


def erased(request: Request) -> bool:
    """Whether nothing is shown because the person was forgotten, and not because nobody wrote."""
    return not request.person.email and Message.objects.of_conversation(request).filter(addressee="person").exists()


def _letter(message: Message) -> Letter:
    ours = message.direction == Message.Direction.OUT
    text, quoted = (message.body or "", "") if ours else quotes.split(message.body or "")
    shown = marked(text, message.language) if ours else None
    return Letter(
        ours=ours,
        at=message.finished_at if ours and message.finished_at else message.created_at,
        subject=message.subject or "",
        text=shown.text if shown else text,
        withheld=shown is not None and shown.any,
        quoted=quoted,
        files=[file.their_name or file.file_name for file in message.attachments.all()],
        came_back=message.bounced_at is not None,
    )
