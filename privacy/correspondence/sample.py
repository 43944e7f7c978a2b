"""Letters to nobody: the facts of an invented request, for looking at a text before it is used.

What could go wrong: a preview shows a real person, or misses a fact that a letter uses. Nobody is looked up here; a
test compares the names of these facts with those of a real letter.
"""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from privacy.clock.regimes import Regime
from privacy.correspondence import others
from privacy.correspondence.beside import Notice
from privacy.correspondence.catalogue import Entry
from privacy.correspondence.periods import in_words
from privacy.models import Controller, RecipientNotice, Request
from privacy.refusals import authority_of, refusal_of
from privacy.services.plans import KeptLine
from privacy.words import EXTENSIONS, TO_DO, WISHES

Facts = dict[str, Any]
REFERENCE, EARLIER = "PR-0000-0000", "PR-0000-0001"
PROMISED = date(2030, 5, 22)
ANSWER_BY, TOLD_ON = date(2030, 6, 11), datetime(2030, 5, 21, 12, tzinfo=UTC)
KINDS = (Request.Kind.ACCESS, Request.Kind.DELETION)


def facts(entry: Entry, kind: str, *, sparse: bool = False) -> Facts:
    """What `render.context_of` gives for a request, in the active language. `sparse` leaves out what may be empty and
    takes the other way wherever there are two.
    """
    kind = kind or next((each for each in (*KINDS, *entry.kinds) if entry.fits(each)), "")
    other = next(each for each in KINDS if each != kind)
    controller = Controller.objects.current()
    full: Facts = {
        "request": Request(kind=kind, reference=REFERENCE, promise_due=PROMISED),
        "named": not entry.unnamed,
        "wish": WISHES[kind],
        "company": controller.company,
        "product": controller.product,
        "contact": controller.contact_email,
        "due": date(2030, 5, 20),
        "status_url": settings.SITE_URL + reverse("request-status", args=[REFERENCE]),
        "first": Request(kind=kind, reference=EARLIER),
        "also": [WISHES[other]],
        "written": "\n\n".join(
            (_("These are the words of the colleague who answers."), _("They can go on in further paragraphs."))
        ),
        "ended": [_("Marketing: we send none to this address any more.")],
        "done": _("We hold no account under your address, so there is nothing that we use in this way."),
        "browsers": [_("Firefox: Settings, Privacy & Security, Cookies and Site Data, Manage Data.")],
        "cookies_url": settings.SITE_URL + reverse("cookies"),
        "kept": [
            KeptLine(
                _("Invoices"), 3, _("Tax and commercial law demands billing records for seven years."), date(2034, 5, 1)
            )
        ],
        **others.invented(kind, timezone.now(), sparse=sparse),
        "periods": in_words(timezone.now()),
        "nothing_else": False,
        "package": SimpleNamespace(expires_at=datetime(2030, 5, 30, 12, tzinfo=UTC)),
        "erased_after": date(2030, 5, 28),
        "erased_sooner": False,
        "refusal": refusal_of(kind, Request.Refusal.EXCESSIVE),
        "authority": authority_of(Regime.EU),
        "more_time": next(iter(EXTENSIONS.values())),
        "later": date(2030, 7, 20),
        "stands_still": False,
        "warnings": [SimpleNamespace(reference=REFERENCE, words=_("3 days left"), due=date(2030, 5, 20))],
        "desk_url": settings.SITE_URL + reverse("admin:privacy_request_changelist"),
        "corrections": [_("Phone: corrected, as you proposed")],
        "told": [_("Our payment processor")],
        "notice": Notice(RecipientNotice.Act.ERASE, TO_DO[RecipientNotice.Act.ERASE], ANSWER_BY, TOLD_ON),
        "whom": [_("Account: 018f0000-0000-7000-8000-000000000000")],
        "lifetime_hours": 24,
        "link": f"{settings.SITE_URL}/requests/confirm/…/",
        "code": "1234 5678",
    }
    other_way: Facts = {
        "first": None, "also": [], "written": "", "browsers": [], "kept": [], "package": None, "told": [],
        "erased_after": None, "nothing_else": True, "stands_still": True,
    }  # fmt: skip
    return full | other_way if sparse else full


def mark(name: str) -> str:
    """Stands for a value in a text that is to be turned back; no letter contains it otherwise."""
    return f"\ue000{name}\ue001"


def marks(entry: Entry, kind: str) -> Facts:
    """The same facts with a mark wherever a letter would show a text or a number."""
    plain = facts(entry, kind)
    texts = {
        name: mark(name)
        for name, value in plain.items()
        if isinstance(value, str | int | Promise) and not isinstance(value, bool)
    }
    rows: Facts = {
        "request": Request(kind=plain["request"].kind, reference=mark("reference"), promise_due=PROMISED),
        "first": Request(reference=mark("first")),
        "also": [mark("also")],
        "ended": [mark("ended")],
        "browsers": [mark("browsers")],
        "warnings": [SimpleNamespace(reference=mark("of"), words=mark("warning"), due=date(2030, 5, 20))],
        "corrections": [mark("corrections")],
        "told": [mark("told")],
        "notice": Notice(RecipientNotice.Act.ERASE, mark("to_do"), ANSWER_BY, TOLD_ON),
        "whom": [mark("whom")],
        "customers": [mark("customers")],
        "kept": [KeptLine(mark("kept"), 1, mark("why"), date(2034, 5, 1))],
        "periods": {slug: mark(slug) for slug in plain["periods"]},
        "refusal": SimpleNamespace(reason=mark("reason"), remedy=mark("remedy")),
    }
    return plain | texts | rows
