"""Which request a mail belongs to.

What could go wrong: a stranger who has seen a reference writes into somebody's correspondence, or learns from an answer
that it exists. So a reference or a thread only says which request is meant; the sender's address decides whether the
mail is let in. Everybody else's mail waits for a person, and nobody is answered by a machine either way.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from crasme.kit.text import normalise_email
from privacy import references
from privacy.correspondence.addressees import address_of
from privacy.correspondence.queue import mail_domain
from privacy.mailroom.parsing import Parsed
from privacy.models import Message, Person, Request
from privacy.querysets import email_hash

_REFERENCE = re.compile(r"(?<![\w-])PR[\s\-‐‑–—]?[0-9A-Z]{4}[\s\-‐‑–—]?[0-9A-Z]{4}(?![\w])", re.IGNORECASE)
_MOST = 20


@dataclass(frozen=True, slots=True)
class Writer:
    """As whom somebody may write into a request's correspondence: the columns of the message."""

    addressee: str = Message.Addressee.PERSON
    recipient: Any = None
    colleague: Any = None

    @property
    def columns(self) -> dict[str, Any]:
        return {"addressee": self.addressee, "recipient": self.recipient, "colleague": self.colleague}


@dataclass(frozen=True, slots=True)
class Match:
    """`request` is the one meant, if any; `writer` None when the sender is no party to it; `person` is the sender."""

    request: Request | None = None
    writer: Writer | None = None
    person: Person | None = None


def match(parsed: Parsed, words: str) -> Match:
    """`words` is the text without quotes: whoever quotes our letter names its reference without meaning to."""
    person = Person.objects.by_email(parsed.sender).first() if parsed.sender else None
    meant = _meant(parsed, words)
    for request in meant:
        if (writer := writer_of(request, parsed.sender)) is not None:
            return Match(request, writer, person)
    return Match(meant[0] if meant else None, None, person)


def only_open(person: Person) -> Request | None:
    """The one thing that the person has going on here; None when it is none, or several unrelated ones."""
    leads = list(Request.objects.open().filter(person=person, lead=None).order_by("pk")[:2])
    return leads[0] if len(leads) == 1 else None


def writer_of(request: Request, address: str) -> Writer | None:
    """As whom mail from this address may enter the request's correspondence: as the person, or as somebody to whom we
    wrote about it. None for anybody else."""
    if not address:
        return None
    if request.person.email_hash == email_hash(address):
        return Writer()
    others = request.messages.outgoing().exclude(addressee=Message.Addressee.PERSON)
    for message in others.select_related("request__person", "recipient", "colleague"):
        if normalise_email(address_of(message)) == address:
            return Writer(message.addressee, message.recipient, message.colleague)
    return None


def _meant(parsed: Parsed, words: str) -> list[Request]:
    """Candidates, the surest first: the mail that is answered, its thread, the subject, the text."""
    found = list(Message.objects.outgoing().filter(mail_id__in=parsed.ids).values_list("mail_id", "request_id"))
    by_mail = dict(found)
    wanted = [by_mail[each] for each in parsed.ids if each in by_mail]
    wanted += [pk for each in parsed.ids if (pk := _thread(each)) is not None]
    named = [*_references(parsed.subject), *_references(words)]
    if not wanted and not named:
        return []
    requests = Request.objects.filter(Q(pk__in=wanted) | Q(reference__in=named)).select_related("person")
    by_pk = {request.pk: request for request in requests}
    by_reference = {request.reference: request for request in by_pk.values()}
    listed = [by_pk.get(pk) for pk in wanted] + [by_reference.get(name) for name in named]
    return list(dict.fromkeys(request for request in listed if request is not None))


def _references(text: str) -> Iterator[str]:
    for number, found in enumerate(_REFERENCE.finditer(text[:20_000])):
        if number >= _MOST:
            return
        if reference := references.normalise(found.group()):
            yield reference


def _thread(identifier: str) -> UUID | None:
    """The request behind the thread's id that our mails carry."""
    local, _at, domain = identifier.strip("<>").rpartition("@")
    try:
        return UUID(local) if domain.lower() == mail_domain().lower() else None
    except ValueError:
        return None
