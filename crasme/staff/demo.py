"""People of the demo: they may sign in without a second factor, while the settings allow it, and every page says so.

Their addresses end in `.example`, a name that no mail server can have, so nobody real is ever one of them. No models
are imported: `make run` prints the password before Django is ready.
"""

from typing import Any, Final

from django.conf import settings

DOMAIN: Final = ".example"
PASSWORD: Final = "crasme-demo"  # noqa: S105  (shown on the sign-in page while DEMO_SIGN_INS is on)


def exempt(user: Any) -> bool:
    """Whether this user needs no second factor: a demo person, and only while DEMO_SIGN_INS is on."""
    return bool(settings.DEMO_SIGN_INS) and user.is_authenticated and user.email.endswith(DOMAIN)
