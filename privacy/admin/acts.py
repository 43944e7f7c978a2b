"""From a button of the desk to a service: a page that says what will happen, a form that does it.

What could go wrong: a link that acts (it only opens the page), a page that is older than the request (the service looks
at the row and explains), one that offers what was done already (it says who did it and when), a refusal that looks like
a fault of the system (it is shown with its remedy), letters shown to somebody who may not read them, or without a
trace (the right to view messages is asked for, and the look is logged before the page is made).
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise

from crasme.kit.errors import CrasmeError
from crasme.staff import access
from crasme.staff.models import AccessEntry
from privacy.admin import unread
from privacy.admin.buttons import fitting
from privacy.admin.forms import DeskForm
from privacy.admin.mails import pictures
from privacy.errors import LetterBroken
from privacy.models import Message, Request
from privacy.services import plans

Words = str | Promise
Act = Callable[[Any, HttpRequest, Any, Any], Words]
VIEW_MESSAGES: Final = "privacy.view_message"


def asks(
    *,
    title: Words,
    text: Words,
    button: Words,
    form_class: Callable[..., Any] = DeskForm,
    danger: bool = False,
    template: str = "admin/privacy/request/act.html",
) -> Callable[[Act], Callable[..., HttpResponse]]:
    """Put it under `@action` on `def act(self, http, asked, form)`, which calls one service and returns what to say.

    `form_class` takes what a DeskForm takes. Where it names a letter, the page can show that before it is sent.
    """

    def decorator(act: Act) -> Callable[..., HttpResponse]:
        @wraps(act)
        def page(self: Any, http: HttpRequest, object_id: str) -> HttpResponse:
            asked = self.get_object(http, unquote(object_id))
            if asked is None:
                raise Http404
            form = form_class(http.POST if http.method == "POST" else None, asked=asked, by=http.user)
            waiting = unread.ask(form, act.__name__, asked)
            came_in = waiting or getattr(form, "incoming", [])
            if came_in and not http.user.has_perm(VIEW_MESSAGES):
                raise PermissionDenied
            letter = getattr(form, "letter", "")
            looks = bool(letter) and "preview" in http.POST
            if form.is_bound and form.is_valid() and not looks and (done := _try(act, self, http, asked, form)):
                return done
            if came_in:
                _log(http, came_in, self.subject_ref_of(asked))
            context = self.admin_site.each_context(http) | {
                "title": title,
                "over": not form.is_bound and not _fits(act, http, asked),
                "text": text,
                "more": getattr(form, "more", ()),
                "button": button,
                "danger": danger,
                "form": form,
                "plan": plans.current(asked) if hasattr(form, "plan") else None,
                "kept": plans.kept_of(form.plan) if hasattr(form, "plan") else [],
                "opts": self.opts,
                "original": asked,
                "unread": waiting,
                "most": unread.MOST,
                "media": self.media + form.media,
                "previews": bool(letter),
                **(_looked_at(http, form) if looks and form.is_valid() else {}),
            }
            return TemplateResponse(http, template, context)

        return page

    return decorator


def _fits(act: Act, http: HttpRequest, row: Any) -> bool:
    return not isinstance(row, Request) or act.__name__ in fitting(row, http.user)  # type: ignore[arg-type]


def _log(http: HttpRequest, shown: Sequence[Message], subject_ref: str) -> None:
    """A page that shows letters is a look at them."""
    access.record(
        http.user,  # type: ignore[arg-type]  # the site lets nobody else in
        AccessEntry.Action.VIEW,
        Message._meta.label_lower,
        now=timezone.now(),
        rows=len(shown),
        subject_ref=subject_ref,
    )


def _try(act: Act, admin: Any, http: HttpRequest, asked: Any, form: DeskForm) -> HttpResponse | None:
    """The way back to the row; None when the form must be shown again."""
    try:
        unread.settle(form, asked, now=timezone.now())
        messages.success(http, str(act(admin, http, asked, form)))
    except ValidationError as error:
        for name, problems in error.message_dict.items():
            form.add_error(name if name in form.fields else None, problems)
        return None
    except CrasmeError as error:
        messages.error(http, str(error))
    return redirect(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_change", asked.pk)


def _looked_at(http: HttpRequest, form: DeskForm) -> dict[str, Any]:
    """The letter that the act would write, before anything is done."""
    try:
        return pictures(form.preview(now=timezone.now()), form.asked.language)
    except LetterBroken as error:
        messages.error(http, str(error))
        return {}
