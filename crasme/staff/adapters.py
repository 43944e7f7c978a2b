"""How allauth signs people in here: staff only, no sign-up, the same answer to every wrong try.

What could go wrong: the form tells who works here (an inactive colleague, an address that exists, a person without
staff rights all get the one generic answer), an authenticator's secret lies readable in a dump, or the mail server's
bad day keeps somebody from securing their account.
"""

import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from crasme.kit import crypto
from crasme.staff.models import User
from crasme.staff.stepup import confirmed_recently

logger = logging.getLogger(__name__)


class StaffAccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The user, or None for every reason there is. `login` is the name under which axes counts the attempts."""
        user = super().authenticate(request, **credentials, login=credentials.get("email", "").casefold())
        return user if user is not None and user.is_active and user.is_staff else None

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Having signed in a moment ago is as good as confirming it: nobody types a password twice in a row."""
        return not confirmed_recently(self.request)

    def format_email_subject(self, subject: str) -> str:
        """With the site's own name in front: a worker has no request to take it from, and a Host header can lie."""
        return f"[{urlsplit(settings.SITE_URL).netloc}] {subject}"

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Word of a changed password or second factor. The change stands even when the mail server is away."""
        try:
            super().send_notification_mail(*args, **kwargs)
        except OSError as error:
            logger.warning("A security notice could not be mailed: %s", type(error).__name__)


class StaffMFAAdapter(DefaultMFAAdapter):
    """Authenticators' secrets are encrypted like every other field secret."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text.encode("ascii")).decode()


def client_ip(request: HttpRequest) -> str:
    """One answer for allauth's limits and for axes: behind a proxy, the address that the proxy saw. "" for none."""
    try:
        return str(DefaultAccountAdapter().get_client_ip(request))
    except PermissionDenied:
        return ""  # a sign-in by code, without a connection (a management command, a test client)
