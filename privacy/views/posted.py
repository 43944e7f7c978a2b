"""Addresses that only take what is sent to them. Whoever merely opens one, by a reload, a bookmark or the way back, is
led to the page whose form leads there, instead of to an empty refusal.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]


def posted(view: View, *, page: str = "request-status") -> View:
    """`page` is the name of the page to lead to; it gets the view's `reference`, if there is one."""

    @wraps(view)
    def answered(http: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if http.method == "POST":
            return view(http, *args, **kwargs)
        named = {"reference": kwargs["reference"]} if "reference" in kwargs else {}
        led: HttpResponse = redirect(page, **named)
        return led

    only: View = require_http_methods(["GET", "HEAD", "POST"])(answered)
    return only
