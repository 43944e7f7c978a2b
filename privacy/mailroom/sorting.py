"""Sorting one mail: what it is, and where it goes. A worker does it, and may do it again.

What could go wrong: a mail that breaks its reader is tried for ever (it parks, and a person sees it), a worker dies in
the middle (everything it did is one commit, made only while its lease runs), a wish is overlooked (whatever is not
certain waits for a person, with a suggestion and with the clock that runs from its arrival), a machine is answered.
"""

import logging
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction

from crasme.kit.claims import LeaseLost, WorkState, claim, finish, retry_or_park
from crasme.kit.errors import CrasmeError
from crasme.kit.limits import TooOften
from crasme.ledger.services import record
from crasme.staff.actors import system
from privacy import throttle, verbs
from privacy.mailroom import authenticity, files, filing, keywords, machines, matching, quotes, requesting
from privacy.mailroom.keywords import Wishes
from privacy.mailroom.matching import Match, Writer
from privacy.mailroom.parsing import Parsed, parse
from privacy.models import InboundMail, Message, Person, Request
from privacy.models.messages import SenderCheck
from privacy.querysets import email_hash
from privacy.services import marketing

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=330)
MAX_ATTEMPTS = 3
ACTOR = system("mail")
# Somebody who sends more than so many within an hour is a machine, or needs a person.
MANY = 20

Status, Reading, Why = InboundMail.Status, InboundMail.Reading, InboundMail.Why


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the mail goes. `columns` are further ones of its row; `requests` those it belongs to or became."""

    status: str
    reading: str
    why: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    keeps: bool = True  # the sender and the words, in the mail's own row


@dataclass(frozen=True, slots=True)
class Letter:
    """What was understood of a mail. `words` are the writer's own."""

    mail: InboundMail
    parsed: Parsed
    words: str
    wishes: Wishes
    match: Match

    @property
    def language(self) -> str:
        return self.wishes.language or keywords.language_of(self.words)


def sort(mail_id: UUID, *, now: datetime) -> bool:
    """Sort the mail if it is due and nobody else has it. Whether it ended here."""
    mail = claim(InboundMail, mail_id, now=now, lease=LEASE)
    if mail is None:
        return False
    started = monotonic()
    if mail.attempts > MAX_ATTEMPTS:
        # The worker died each time, or the lease would not have come round so often.
        _failed(mail, "lease-lapsed", now=now)
        return False
    try:
        with transaction.atomic():
            _sort(mail, now=now)
    except LeaseLost:
        log.warning("Mail %s was sorted after its lease was over; nothing was kept of it.", mail.pk)
    except Exception as error:  # noqa: BLE001  (whatever it is, the mail must not be lost; the code names the kind)
        code = error.code if isinstance(error, CrasmeError) else f"error-{type(error).__name__.lower()}"[:64]
        _failed(mail, code, now=now + timedelta(seconds=monotonic() - started))
    else:
        return True
    return False


def _sort(mail: InboundMail, *, now: datetime) -> None:
    parsed = parse(bytes(mail.raw or b""))
    words, _quoted = quotes.split(parsed.text)
    match = matching.match(parsed, words)
    letter = Letter(mail, parsed, words, keywords.read(f"{parsed.subject}\n{words}"), match)
    mail.mail_id, mail.sender = parsed.mail_id, parsed.sender or None
    mail.sender_hash = email_hash(parsed.sender) if parsed.sender else ""
    mail.subject = quotes.without_secrets(parsed.subject) or None
    mail.body = quotes.without_secrets(parsed.text) or None
    mail.language, mail.person = letter.language, match.person
    mail.sender_check = authenticity.check(parsed)
    mail.attachments.all().delete()  # of an earlier try by hand
    for row in files.rows(parsed.files, now=now, mail=mail):
        row.save(force_insert=True)
    verdict = _verdict(letter, now=now)
    if mail.person is not None:
        # Whoever is being forgotten now is forgotten first, and a mail that waits is seen; or the other way round.
        mail.person = Person.objects.select_for_update(no_key=True).get(pk=mail.person.pk)
    _end(letter, verdict, now=now)


def _end(letter: Letter, verdict: Verdict, *, now: datetime) -> None:
    """The row as the verdict wants it, in one statement, if the lease still runs."""
    mail = letter.mail
    settled = verdict.status in (Status.FILED, Status.IGNORED)
    keeps = verdict.keeps and verdict.status != Status.FILED
    if not keeps:
        mail.attachments.all().delete()  # those of what was filed are the message's by now
    # What is filed stands in the correspondence; what was understood needs no raw mail, and that one holds secrets.
    keeps_raw = not settled and verdict.why == Why.UNREADABLE
    columns = {
        "mail_id": mail.mail_id,
        "sender": mail.sender if keeps else None,
        "sender_hash": mail.sender_hash,
        "subject": mail.subject if keeps else None,
        "body": mail.body if keeps else None,
        "language": mail.language,
        "sender_check": mail.sender_check,
        "person_id": mail.person_id,
        "raw": mail.raw if keeps_raw else None,
        "status": verdict.status,
        "reading": verdict.reading,
        "why": verdict.why,
        "settled_at": now if settled else None,
    }
    finish(copy(mail), now=now, **columns | verdict.columns)
    record(
        verbs.MAIL_SORTED.name,
        actor=ACTOR,
        subject=mail.ref,
        status=verdict.status,
        reading=verdict.reading,
        why=verdict.why,
        kinds=verdict.kinds,
    )


# --- verdicts --------------------------------------------------------------------------------------------------------
def _verdict(letter: Letter, *, now: datetime) -> Verdict:
    machine = machines.reading_of(letter.parsed)
    if machine == Reading.BOUNCE:
        return _bounced(letter, now=now)
    if machine == Reading.LOOP or (machine and _answers_us(letter)):
        return Verdict(
            Status.IGNORED,
            machine,
            columns={"request_id": _pk(letter.match.request)},
            keeps=_is_theirs(letter, machine),
        )
    if machine or machines.is_bulk(letter.parsed):
        if letter.wishes.privacy:
            return _triage(letter, Why.BULK, machine or Reading.UNCLEAR)
        return Verdict(Status.IGNORED, Reading.AUTO_REPLY)
    return _written(letter, now=now)


def _answers_us(letter: Letter) -> bool:
    """A machine's answer to a mail of ours quotes our subject, and with it our words."""
    return letter.match.request is not None


def _is_theirs(letter: Letter, machine: str) -> bool:
    """Whether it may be the person's own words after all, for somebody to look at again. Our own mail come round again
    and the machines of others hold nothing that anybody needs, and might quote what must not be kept."""
    return machine != Reading.LOOP and letter.match.writer == Writer()


def _bounced(letter: Letter, *, now: datetime) -> Verdict:
    """Marks each of our mails that came back; the requests behind them stay as they are. The notice is done with then:
    it names the address, and quotes our letter."""
    code = letter.parsed.report.code if letter.parsed.report else ""
    back = machines.returned(letter.parsed)
    for message in back:
        if Message.objects.filter(pk=message.pk, bounced_at=None).update(bounced_at=now):
            record(verbs.MAIL_BOUNCED.name, actor=ACTOR, subject=message.request.ref, message=message.pk, code=code)
        marketing.came_back(message, code, now=now)
    if letter.parsed.report is not None:
        marketing.reported(letter.parsed.report, now=now)
    columns = {"request_id": back[0].request_id, "person_id": back[0].request.person_id} if back else {}
    return Verdict(Status.IGNORED, Reading.BOUNCE, columns=columns, keeps=False)


def _written(letter: Letter, *, now: datetime) -> Verdict:
    """Somebody wrote it."""
    parsed, match = letter.parsed, letter.match
    if not parsed.sender:
        return _triage(letter, Why.NO_SENDER, Reading.UNCLEAR)
    if not parsed.readable or letter.mail.cut:
        return _triage(letter, Why.UNREADABLE, Reading.UNREADABLE)
    if _too_many(letter.mail):
        return _triage(letter, Why.TOO_MANY, Reading.UNCLEAR)
    if letter.mail.sender_check == SenderCheck.FAILED:
        return _triage(letter, Why.FORGED, Reading.UNCLEAR)
    if match.request is not None:
        return _reply(letter, match.request, now=now)
    if letter.wishes.on_behalf or letter.wishes.child:
        return _triage(letter, Why.ON_BEHALF, Reading.UNCLEAR)
    if letter.wishes.kinds and not letter.wishes.doubt:
        return _asks(letter, now=now)
    mine = matching.only_open(match.person) if match.person is not None else None
    if mine is not None and not letter.wishes.privacy:
        return _triage(letter, Why.GUESS, Reading.UNCLEAR, suggested=mine)
    return _triage(letter, Why.UNCLEAR, Reading.UNCLEAR)


def _reply(letter: Letter, request: Request, *, now: datetime) -> Verdict:
    if letter.match.writer is None:
        return _triage(letter, Why.STRANGER, Reading.UNCLEAR, suggested=request)
    locked = Request.objects.select_for_update(of=("self",)).select_related("person").get(pk=request.pk)
    if not locked.person.email:
        return _triage(letter, Why.FORGOTTEN, Reading.UNCLEAR)
    filing.enter(
        locked,
        subject=letter.mail.subject or "",
        body=letter.mail.body or "",
        channel="email",
        writer=letter.match.writer,
        mail=letter.mail,
        now=now,
    )
    return Verdict(Status.FILED, Reading.REPLY, columns={"request_id": locked.pk})


def _asks(letter: Letter, *, now: datetime) -> Verdict:
    """A clear wish becomes a request at once, as it would by the form; one too many in an hour waits for a person."""
    try:
        throttle.ASK_ADDRESS.hit(letter.parsed.sender, now=now)
        throttle.ASK_ALL.hit("", now=now)
    except TooOften:
        return _triage(letter, Why.TOO_MANY, Reading.REQUEST)
    made = requesting.make(letter.mail, letter.wishes.kinds, language=letter.language, by=None, now=now)
    columns = {"request_id": made[0].pk, "person_id": made[0].person_id}
    return Verdict(Status.FILED, Reading.REQUEST, columns=columns, kinds=letter.wishes.kinds)


def _triage(letter: Letter, why: str, reading: str, *, suggested: Request | None = None) -> Verdict:
    meant = suggested or letter.match.request
    columns = {"suggested_id": _pk(meant), "suggested_kinds": _suggested(letter.wishes)}
    return Verdict(Status.TRIAGE, reading, why, columns=columns)


def _suggested(wishes: Wishes) -> list[str]:
    """A child's account has a way, and a shorter clock, of its own."""
    return [Request.Kind.CHILD.value] if wishes.child else list(wishes.kinds)


def _pk(request: Request | None) -> UUID | None:
    return request.pk if request is not None else None


def _too_many(mail: InboundMail) -> bool:
    recent = InboundMail.objects.filter(sender_hash=mail.sender_hash, stored_at__gt=mail.stored_at - timedelta(hours=1))
    return recent.count() >= MANY


def _failed(mail: InboundMail, code: str, *, now: datetime) -> None:
    log.warning("Mail %s could not be sorted: %s, attempt %d.", mail.pk, code, mail.attempts)
    try:
        with transaction.atomic():
            retry_or_park(mail, code, now=now, max_attempts=MAX_ATTEMPTS)
            if mail.state == WorkState.PARKED:
                InboundMail.objects.filter(pk=mail.pk).update(status=Status.FAILED)
                record(verbs.MAIL_FAILED_READING.name, actor=ACTOR, subject=mail.ref, code=code)
    except LeaseLost:
        log.warning("Mail %s had lost its lease before it failed.", mail.pk)
