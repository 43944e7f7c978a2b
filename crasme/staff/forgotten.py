"""A password was forgotten: the link to set a new one is mailed by a worker.

What could go wrong: how long the page takes tells who works here. So every address costs the web process the same: one
message with an id, of a colleague or of nobody. And the link must not lead where a forged Host header points: it is
built from SITE_URL.
"""

import logging
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm, default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation

from crasme.kit import wakeups
from crasme.kit.ids import uuid7
from crasme.staff.models import User

log = logging.getLogger(__name__)
# By name: the task imports this module.
TASK = ("crasme.staff.tasks.mail_password_link", "mail")


class ForgottenForm(ResetPasswordForm):
    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Ask a worker to mail; without a broker nothing is mailed, and the page is the same."""
        task, queue = TASK
        for identifier in [user.pk for user in self.users] or [uuid7()]:
            if why := wakeups.send(task, queue, str(identifier)):
                log.warning("A password link could not be queued: %s", why)
        return str(self.cleaned_data["email"])


def mail_link(user_id: str) -> bool:
    """Mail the link, if that is an active colleague. Whether it went out."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return False
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    host = urlsplit(settings.SITE_URL).netloc
    context = {
        "user": user,
        "email": user.email,
        "password_reset_url": settings.SITE_URL + path,
        "current_site": SimpleNamespace(name=host, domain=host),
    }
    with translation.override("en"):
        letter = get_adapter().render_mail("account/email/password_reset_key", user.email, context)
    try:
        letter.send()
    except OSError as error:  # its text would name the address
        log.warning("A password link could not be mailed: %s", type(error).__name__)
        return False
    return True
