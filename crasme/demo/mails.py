"""A few mails that came in: some to be sorted, an answer that nobody has read, one that came back.

They go through the mailroom as any mail does, with the clock set back.
"""

from collections.abc import Iterator
from email.message import EmailMessage

from crasme.crm.models import Account
from crasme.demo.plan import Counts, Demo, Draw
from privacy.mailroom.receive import receive
from privacy.mailroom.sorting import sort
from privacy.models import InboundMail, Message, Request

# (days ago, subject, text): from people who have asked for nothing yet.
LETTERS = (
    (6.2, "Contacts", "How do I delete a contact that a colleague entered twice?"),
    (4.8, "Datenschutz", "Guten Tag,\n\nich habe eine Frage zum Datenschutz: Wo liegen meine Daten?\n\nDanke!"),
    (2.1, "My son", "My son is eleven and has made an account with you. Please delete my son's account."),
    (1.4, "Question", "Bonjour,\n\nà qui donnez-vous mes données personnelles ?\n\nMerci."),
    (0.3, "GDPR", "To whom it may concern: what about the GDPR?"),
)


def make(demo: Demo, draw: Draw) -> Counts:
    for number, raw in enumerate(_mails(demo), start=1):
        days, content = raw
        mail = receive(content, source=InboundMail.Source.IMAP, now=demo.ago(days))
        if mail is not None:
            sort(mail.pk, now=demo.ago(days))
        draw(number, len(LETTERS) + 2)
    return {"mails": InboundMail.objects.count(), "mails to be sorted": InboundMail.objects.waiting().count()}


def _mails(demo: Demo) -> Iterator[tuple[float, bytes]]:
    asked = Request.objects.values("person__account")
    quiet = Account.objects.usable().exclude(pk__in=asked.exclude(person__account=None)).order_by("-email")
    for (days, subject, text), account in zip(LETTERS, quiet[: len(LETTERS)], strict=False):
        yield days, _letter(account.email, subject, text, number=days)
    waiting = Request.objects.open().filter(confirmed_at__isnull=False, received_at__lt=demo.ago(3), lead=None)
    if (request := waiting.select_related("person").order_by("-received_at").first()) is not None:
        yield 0.8, _letter(request.person.email, f"Re: [{request.reference}]", "Is there any news?", number=0)
    sent = Message.objects.outgoing().filter(state="done", template="started").order_by("-created_at").first()
    if sent is not None:
        notice = f"The following message could not be delivered: {sent.mail_id}"
        yield (
            0.1,
            _letter("mailer-daemon@mx.example", "Undelivered Mail Returned to Sender", notice, number=1),
        )


def _letter(sender: str, subject: str, text: str, *, number: float) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@crasme.com", subject
    mail["Message-ID"] = f"<{number}.demo@mail.example>"
    mail.set_content(text)
    return mail.as_bytes()
