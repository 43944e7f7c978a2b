"""The sign-in page: allauth's, and below it the people of the demo while they may sign in."""

from typing import Any

from allauth.account.views import LoginView
from django.conf import settings
from django.db.models import QuerySet

from crasme.staff import demo
from crasme.staff.models import User


class SignInView(LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"demo_sign_ins": demo_sign_ins(), "demo_password": demo.PASSWORD}


def demo_sign_ins() -> QuerySet[User]:
    """Whom the page lists; nobody while DEMO_SIGN_INS is off."""
    if not settings.DEMO_SIGN_INS:
        return User.objects.none()
    listed = User.objects.filter(email__endswith=demo.DOMAIN, is_staff=True, is_active=True)
    return listed.prefetch_related("groups").order_by("date_joined", "pk")
