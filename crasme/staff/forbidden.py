"""What staff see who may not do something in the back office: which right is missing, and who has it.

What could go wrong: a page that tells outsiders what there is (only signed-in staff get it, everybody else the public
page), one that names a right that was not what was missing (then it names none), or one that sends people for a right
that helps nobody (what is added and changed by nobody's hand says so, how it comes about, and where it is listed).
"""

from dataclasses import dataclass
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import defaults

from crasme.staff.admin import ReadOnlyAdmin
from crasme.staff.models import User
from crasme.staff.roles import ROLES, matching

NAMED = 6
# By how the admin calls its own pages.
OWN_PAGES = {"changelist": "view", "change": "view", "history": "view", "add": "add", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Missing:
    """A right in words, the roles that include it, and some colleagues who have one of them."""

    words: str
    roles: list[str]
    colleagues: list[str]


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """The handler of status 403."""
    return _page(request) if inside(request) else defaults.permission_denied(request, exception or Exception())


def inside(request: HttpRequest) -> bool:
    """Whether signed-in staff ask for an address of the back office: nobody else is shown what looks like it."""
    # A page that failed above the sign-in has nobody to look at.
    known = hasattr(request, "user") and admin.site.has_permission(request)
    return request.path.startswith(reverse("admin:index")) and known


@csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)
def _page(request: HttpRequest) -> HttpResponseBase:
    nobodys = _is_nobodys(request)
    wanted = [] if nobodys else sorted(_wanted(request))
    context = admin.site.each_context(request) | {
        "title": _("Nobody does this by hand") if nobodys else _("Not included in your role"),
        "missing": [_missing(name) for name in wanted if not request.user.has_perm(name)],
        "nobodys": nobodys,
        "comes_about": _comes_about(request),
        "listed": _list(request),
        "own_roles": [group.name for group in request.user.groups.all()],
    }
    response = TemplateResponse(request, "admin/403.html", context, status=403)
    return response.render()


def _wanted(request: HttpRequest) -> set[str]:
    """The rights that the page asks for, as "app_label.codename"; empty when that cannot be told from its name."""
    page, rest = _place(request)
    if page is None:
        return set()
    if rest in OWN_PAGES:
        verb = _verb(request, rest)
        own = f"{page.opts.app_label}.{get_permission_codename(verb, page.opts)}"
        return {getattr(page, "own_rights", {}).get(verb, own)}
    return {each for each in getattr(getattr(page, rest, None), "allowed_permissions", ()) if "." in each}


def _place(request: HttpRequest) -> "tuple[admin.ModelAdmin[Any] | None, str]":
    """The admin whose page was asked for, and the rest of the page's name."""
    name = (request.resolver_match.url_name if request.resolver_match else None) or ""
    pages = {f"{each.opts.app_label}_{each.opts.model_name}_": each for each in admin.site._registry.values()}
    start = max((start for start in pages if name.startswith(start)), key=len, default="")
    return (pages[start], name.removeprefix(start)) if start else (None, "")


def _verb(request: HttpRequest, page: str) -> str:
    return "change" if page == "change" and request.method == "POST" else OWN_PAGES[page]


def _is_nobodys(request: HttpRequest) -> bool:
    """Whether it is what nobody adds, changes or deletes by hand, whatever their role."""
    page, rest = _place(request)
    if page is None or rest not in OWN_PAGES or (verb := _verb(request, rest)) == "view":
        return False
    if verb in getattr(page, "own_rights", {}):
        return False
    codename = get_permission_codename(verb, page.opts)
    exists = Permission.objects.filter(content_type__app_label=page.opts.app_label, codename=codename).exists()
    return isinstance(page, ReadOnlyAdmin) or not exists


def _comes_about(request: HttpRequest) -> str:
    """How the rows come about that somebody wanted to write; "" where the page was to be read, or nobody said it."""
    page, rest = _place(request)
    writes = page is not None and rest in OWN_PAGES and _verb(request, rest) != "view"
    return str(getattr(page, "comes_about", "")) if writes else ""


def _list(request: HttpRequest) -> str:
    """Where the rows of the page are listed, for whoever may look; "" otherwise."""
    page, _rest = _place(request)
    if page is None or not page.has_view_permission(request):
        return ""
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")


def _missing(name: str) -> Missing:
    label, _dot, codename = name.partition(".")
    found = Permission.objects.filter(content_type__app_label=label, codename=codename).first()
    roles = [role.name for role in ROLES if matching(role.may, [name])]
    holders = User.objects.filter(is_active=True, is_staff=True, groups__name__in=roles).distinct()
    people = holders.order_by("first_name", "last_name", "pk")[:NAMED]
    return Missing(found.name if found else name, roles, [str(user) for user in people])
