"""Asking before acting: a page between a button of the admin and what it does.

What could go wrong: the theme's buttons on a page are links, and a link must change nothing (a crawler, a prefetch or
a foreign page follows it). So the link leads to a page that says what will happen, and its form does it.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise

Words = str | Promise
Act = Callable[..., HttpResponse]


def confirmed(
    *,
    title: Words,
    text: Words,
    button: Words,
    form_class: type[forms.Form] = forms.Form,
    danger: bool = False,
    initial: Callable[[Any], dict[str, Any]] | None = None,
    more: Callable[[Any], Iterable[str]] | None = None,
    fit: Callable[[forms.Form, Any], None] | None = None,
) -> Callable[[Act], Act]:
    """Put it under `@action` on a detail action `def act(self, request, object_id, form)`; `form` is valid then.

    `text` may name `{object}`; `more` gives lines about it, `initial` what the form is shown with, and `fit` makes a
    form ask what this object asks for.

    GET shows the page and is inert; POST with a valid form acts.
    """

    def decorator(act: Act) -> Act:
        @wraps(act)
        def page(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            form = form_class(request.POST if request.method == "POST" else None)
            obj = self.get_object(request, object_id) if fit is not None or not form.is_bound else None
            if fit is not None and obj is not None:
                fit(form, obj)
            if form.is_bound and form.is_valid():
                return act(self, request, object_id, form)
            obj = obj or self.get_object(request, object_id)
            if obj is None:
                raise Http404
            if not form.is_bound and initial is not None:
                form = form_class(initial=initial(obj))
                if fit is not None:
                    fit(form, obj)
            request.current_app = self.admin_site.name
            context = self.admin_site.each_context(request) | {
                "title": title,
                "text": str(text).format(object=obj),
                "button": button,
                "danger": danger,
                "form": form,
                "more": [line for line in more(obj) if line] if more is not None else [],
                "opts": self.opts,
                "original": obj,
            }
            return TemplateResponse(request, "admin/confirm.html", context)

        return page

    return decorator
