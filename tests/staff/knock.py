"""Asking an admin address whether it opens, through all its guards but without drawing the page.

Drawing takes most of the time of a request; a matrix of roles and pages only needs to know who gets in.
"""

from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from crasme.staff.models import User
from crasme.staff.sessions import SessionStore


def knock(
    user: User, path: str, method: str = "get", data: dict[str, Any] | None = None
) -> tuple[int, HttpResponse | None]:
    """The status, and the response as the view made it (not rendered); 403 comes with none."""
    request = getattr(RequestFactory(), method)(path, data or {})
    request.user, request.session = user, SessionStore()
    request._messages = CookieStorage(request)
    request._dont_enforce_csrf_checks = True
    found = resolve(request.path_info)
    try:
        response = found.func(request, *found.args, **found.kwargs)
    except PermissionDenied:
        return 403, None
    response.wsgi_request = request
    return response.status_code, response
