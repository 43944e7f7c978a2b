"""Reporting a child's account: by anybody, without an account, without an address (P9.3).

What could go wrong: the page becomes a way to ask whether somebody has an account (nothing is looked up here, and the
answer is one and the same), or to flood the officers (limited by network and in all), or it asks a worried teacher for
so much that nothing is reported (which account, and who says so; the rest may stay empty).
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from crasme.kit.limits import TooOften
from privacy.clock.rules import CHILD_DAYS
from privacy.forms.child import ChildForm
from privacy.services import intake
from privacy.views import admission, justnow


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report(http: HttpRequest) -> HttpResponse:
    """The form. The answer to a valid one is the same whoever reports whom."""
    context = {"days": CHILD_DAYS}
    if http.method != "POST":
        return render(http, "portal/requests/child.html", context | {"form": ChildForm()})
    form = ChildForm(http.POST)
    if not form.is_valid():
        return render(http, "portal/requests/child.html", context | {"form": form}, status=422)
    now = timezone.now()
    try:
        admission.admit(http, form.cleaned_data["email"], now=now)
    except TooOften as error:
        return admission.turned_away(http, "portal/requests/child.html", form, error, **context)
    intake.submit(form.submission(), now=now)
    return justnow.led("request-child-sent")


@never_cache
@require_safe
def sent(http: HttpRequest) -> HttpResponse:
    """Thanks, and what happens now; for anybody else, the form."""
    if not justnow.happened(http):
        return redirect("request-child")
    return render(http, "portal/requests/child_sent.html", {"days": CHILD_DAYS})
