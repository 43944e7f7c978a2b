"""What staff see whose address in the back office leads nowhere: the back office, not the public page with its banner.

What could go wrong: a page that tells outsiders which addresses there are. Only signed-in staff get it; everybody else
is led to the sign-in by every address below /admin/, whether there is something or not.
"""

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views import defaults

from crasme.staff.forbidden import inside


def nowhere(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:
    """The handler of status 404."""
    return _page(request) if inside(request) else defaults.page_not_found(request, exception or Exception())


@csp_replace(settings.ADMIN_CONTENT_SECURITY_POLICY)
def _page(request: HttpRequest) -> HttpResponseBase:
    context = admin.site.each_context(request) | {"title": _("There is nothing here")}
    return TemplateResponse(request, "admin/404.html", context, status=404).render()
