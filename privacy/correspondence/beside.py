"""What became of corrections, and what only mails to others than the person say: links of their own, and whom a
recipient's notice is about.

What could go wrong: the address that a recipient needs, or a value, stays in the record of what was sent (placeholders
stand there instead), or a notice goes out that names nobody (it parks, and a person sees it).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from privacy.errors import Incomplete
from privacy.models import Message, RecipientNotice, Request
from privacy.services import mailboxes, recipients, referrals, results, subjects, verification
from privacy.words import TO_DO


@dataclass(frozen=True, slots=True)
class Notice:
    """What a letter to a recipient says of its notice; empty in letters to anybody else."""

    act: str = ""
    to_do: Promise | str = ""
    due_on: Any = None
    told_on: datetime | None = None


def secrets(message: Message, *, now: datetime) -> dict[str, Any]:
    """What the mail says and its record does not; empty for a mail that has nothing of the kind."""
    match message.template:
        case "new-mailbox" if message.correction is not None:
            return {"link": _address("new-mailbox", mailboxes.token(message.correction))}
        case "recipient-notice":
            return {"link": _link_of(message), "whom": _whom(message.request)}
        case "recipient-reminder":
            return {"link": _link_of(message)}
        case "referral" | "referral-reminder" if message.referral is not None:
            return {"link": _address("referral", referrals.token_of(message.referral))}
        case "representative-copy":
            issued = verification.issue(message.request, now=now, to_representative=True)
            return {"link": _address("release", issued.token)}
    return {}


def notice(message: Message) -> Notice:
    if message.addressee != Message.Addressee.RECIPIENT or (found := recipients.notice_of(message)) is None:
        return Notice()
    return Notice(found.act, TO_DO[found.act], found.due_on, found.created_at)


def corrections(request: Request) -> list[str]:
    """What was decided about each value, by a line each; fields are named, values are not."""
    lines = []
    for each in results.corrected(request):
        result = _("corrected, as you proposed")
        if each.why is not None:
            result = " ".join(map(str, (_("not changed."), each.why.reason, each.why.remedy)))
        lines.append(f"{each.title}: {result} {each.words}".strip())
    return lines


def told(request: Request) -> list[str]:
    """Which recipients were told, by a line each, and why one could not be."""
    not_told = _("not told")
    return [
        f"{each.name} ({not_told}: {each.why_not})" if each.why_not else each.name for each in results.told(request)
    ]


def _whom(request: Request) -> list[str]:
    """How a recipient knows the person, and the values that it must put right."""
    lines, about = [], subjects.about(request)
    if about.address:
        lines.append(": ".join((_("E-mail address, as you know it"), about.address)))
    if about.account is not None:
        lines.append(": ".join((_("Account"), str(about.account.pk))))
    if not lines:
        raise Incomplete(_("The person has been forgotten; a notice would name nobody."), code="nobody-named")
    since = _("from now on")
    return lines + [f"{title}, {since}: {value or '–'}" for title, value in results.written(request)]


def _link_of(message: Message) -> str:
    found: RecipientNotice | None = recipients.notice_of(message)
    if found is None:
        raise Incomplete(_("This mail belongs to no notice."), code="no-notice")
    return _address("recipient-acknowledge", recipients.token(found.pk))


def _address(name: str, token: str) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=[token])}"
