"""The admin site: for signed-in staff with a second factor, under the one content policy that its theme can live with.

What could go wrong: a page reachable by a way around the sign-in (the admin's own form is replaced, every view passes
`admin_view`), staff who never set up a second factor (led to it before any page opens), or the admin's wider content
policy on a public page (it is set per view, here and nowhere else).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout as sign_out
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy as _lazy
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from crasme.staff import demo

View = Callable[..., Any]
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class StaffSite(UnfoldAdminSite):
    """Django's site with the sign-in of allauth. Rows end by a rule or a request, so nothing is deleted in bulk."""

    index_title = _lazy("Overview")

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        guarded = second_factor_required(super().admin_view(view, cacheable))
        return csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)(secure_admin_login(guarded))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: wanted})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return _sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("account_change_password")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        # Not above: the admin's classes need the models, and this is imported before they are there.
        from crasme.staff.admin.choices import ChoicesView

        view: View = ChoicesView.as_view(admin_site=self)
        answer: HttpResponse = view(request)
        return answer

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What the box at the top of the menu finds: pages; and, asked by POST, rows. Nothing of it is kept: the
        theme's own would remember what was found, and whom, for five minutes."""
        from crasme.staff import searches
        from crasme.staff.admin import finding

        by_post = request.method == "POST"
        term = searches.typed((request.POST if by_post else request.GET).get("s", ""))
        if not term:
            return HttpResponse()
        results = self._search_apps(self.get_app_list(request), term.lower())
        results.sort(key=lambda page: not page.title.lower().startswith(term.lower()))
        if by_post:
            results = [*results, *finding.found(self, request, term)]
        context = {"results": results, "finds": finding.finds(self, request)}
        return TemplateResponse(request, "admin/staff/found.html", context, headers={"HX-Trigger": "search"})

    def _build_app_dict(self, request: HttpRequest, label: str | None = None) -> dict[str, Any]:
        """As Django's, with names as text: sorted as they are there, each is translated once a comparison."""
        found: dict[str, Any] = super()._build_app_dict(request, label)
        for app in found.values() if label is None else [found] if found else []:
            app["name"] = str(app["name"])
            for page in app["models"]:
                page["name"] = str(page["name"])
        return found

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from crasme.staff.admin import finding

        context: dict[str, Any] = super().each_context(request)
        return context | {"demo_sign_in": demo.exempt(request.user), "finds": finding.finds(self, request)}


def second_factor_required(view: View) -> View:
    """Staff without an authenticator app or security key set one up first; demo people may go without."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if demo.exempt(request.user) or is_mfa_enabled(request.user, FACTORS):
            return view(request, *args, **kwargs)
        messages.info(request, _("Before you go on, protect your account with a second factor."))
        return redirect("mfa_index")

    return guarded


@require_POST
def _sign_out(request: HttpRequest) -> HttpResponse:
    sign_out(request)
    return redirect("account_login")
