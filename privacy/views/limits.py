"""What a visitor sees who tried too often."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from privacy.errors import TooOften

View = Callable[..., HttpResponse]


def limited(view: View) -> View:
    """Answer a limit with a page that says so, and with the time after which it makes sense to try again."""

    @wraps(view)
    def answered(http: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(http, *args, **kwargs)
        except TooOften as error:
            response = render(http, "429.html", status=429)
            response["Retry-After"] = str(error.wait)
            return response

    return answered
