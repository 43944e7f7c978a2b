"""A marketing mail: the only kind that may be refused, and the only one that carries the headers to refuse it with.

    MarketingMail("marketing.features", to="ana@example.com", subject="…", body="…").send()   → 1, or 0: refused

What could go wrong: a list is checked when it is made and somebody opts out before the mail goes (the gate is asked
once more at the moment of sending, for this one address), a mail goes to several people at once and each could
unsubscribe the others (one recipient a mail), or service mail gets a way out of it (it is another class, and a scope
that is no marketing is refused here). DKIM must cover both headers: see docs/operations.md.
"""

from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _

from consent import suppression, topics, unsubscribe
from consent.models import Channel

FOOT: Final = "-- \n"


class MarketingMail(EmailMultiAlternatives):
    """One mail about one topic to one address; UnknownScope for anything that is not marketing."""

    def __init__(self, scope: str, *, to: str, subject: str, body: str, html: str = "", **kwargs: Any) -> None:
        topics.cell(scope, Channel.EMAIL)
        self.scope = scope
        way_out = _("You do not want this kind of mail? %(link)s") % {"link": unsubscribe.link(to, scope)}
        headers = kwargs.pop("headers", {}) | unsubscribe.headers(to, scope)
        super().__init__(subject, f"{body}\n\n{FOOT}{way_out}\n", to=[to], headers=headers, **kwargs)
        if html:
            self.attach_alternative(html, "text/html")

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Ask the gate and send; how many went: 0 when this address must not be written to."""
        (address,) = self.recipients()
        if not suppression.allowed(address, self.scope):
            return 0
        return super().send(*args, **kwargs)
