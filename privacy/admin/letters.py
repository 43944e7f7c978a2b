"""Letters: which texts of the company's own there are, writing one with a preview, putting it in force, taking it back.

What could go wrong: a preview with a real person in it (an invented one is used), HTML of a preview that acts in the
admin (it stands in a frame that may do nothing), a text in force that nobody looked at (the page that asks shows it,
and the digest of what it showed comes along).
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from crasme.kit.errors import CrasmeError
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin
from privacy.admin.mails import pictures
from privacy.admin.places import Place, find
from privacy.correspondence import coverage, markup, preview
from privacy.correspondence.checking import BODY_LENGTH, SUBJECT_LENGTH, check
from privacy.errors import LetterBroken
from privacy.models import Letter
from privacy.services import letters

FOLDER = "admin/privacy/letter"


class TextForm(forms.Form):
    subject = forms.CharField(label=_("Subject"), max_length=SUBJECT_LENGTH, widget=UnfoldAdminTextInputWidget)
    body = forms.CharField(
        label=_("Text"),
        max_length=BODY_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 22, "spellcheck": "true"}),
        help_text=_("An empty line begins a paragraph; a line that begins with * stands in a list."),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, place: Place) -> None:
        subject, body = place.start
        seen = place.draft.sha256 if place.draft else ""
        super().__init__(data, initial={"subject": subject, "body": body, "seen": seen})
        self.place = place
        for name in ("subject", "body"):
            self.fields[name].widget.attrs |= {"dir": place.direction, "lang": place.language}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"subject", "body"} <= set(cleaned):
            check(self.place.entry, cleaned["subject"], cleaned["body"])
        return cleaned


class SeenForm(forms.Form):
    """Carries the digest of the text on the screen, so that no other one comes into force."""

    seen = forms.CharField(widget=forms.HiddenInput)


Act = Callable[[Any, HttpRequest, Letter, forms.Form], str]


def asks(*, title: str | Promise, text: str | Promise, button: str | Promise, danger: bool = False) -> Any:
    """Put it under `@action` on `def act(self, http, letter, form)`, which calls one service and returns what to say.

    GET shows the text and is inert; POST with its digest acts.
    """

    def decorator(act: Act) -> Callable[..., HttpResponse]:
        def page(self: "LetterAdmin", http: HttpRequest, object_id: str) -> HttpResponse:
            letter = self.get_object(http, unquote(object_id))
            if letter is None:
                raise Http404
            form = SeenForm(http.POST if http.method == "POST" else None, initial={"seen": letter.sha256})
            if form.is_bound and form.is_valid():
                back = self.way_back(letter)
                try:
                    messages.success(http, act(self, http, letter, form))
                except (CrasmeError, ValidationError) as error:
                    said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                    messages.error(http, said)
                return redirect(back)
            context = self.admin_site.each_context(http) | {
                "title": title,
                "text": text,
                "button": button,
                "danger": danger,
                "form": form,
                "opts": self.opts,
                "original": letter,
                **self.shown(letter),
            }
            return TemplateResponse(http, f"{FOLDER}/act.html", context)

        return page

    return decorator


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdmin, StaffModelAdmin):
    """The list is a table of places; a place has its versions and, for who may write, the editor."""

    change_form_after_template = f"{FOLDER}/version.html"
    actions_detail = ("put_in_force", "take_back", "throw_away")

    class Media:
        css: ClassVar = {"all": ["privacy/desk.css", "privacy/letters.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.place_view)
        own = [path("of/<slug:template>/<slug:language>/", view, name="privacy_letter_place")]
        return own + super().get_urls()

    # --- the list ----------------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": _("Letters"),
            "opts": self.opts,
            "shelves": coverage.shelves(),
            "languages": settings.LANGUAGES,
        }
        return TemplateResponse(request, f"{FOLDER}/list.html", context)

    # --- a place -----------------------------------------------------------------------------------------------------
    def place_view(self, request: HttpRequest, template: str, language: str) -> HttpResponse:
        """What is there; for who may write, the editor. GET and the preview change nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            place = find(template, request.GET.get("kind", ""), language)
        except LookupError:
            raise Http404 from None
        may_write = request.user.has_perm("privacy.draft_letter")
        if request.method == "POST" and not may_write:
            raise PermissionDenied
        form = TextForm(request.POST if request.method == "POST" else None, place=place)
        if "shipped" in request.POST:
            subject, body = place.shipped
            form = TextForm({"subject": subject, "body": body, "seen": request.POST.get("seen", "")}, place=place)
        elif "save" in request.POST and form.is_valid() and (done := self._save(request, place, form)):
            return done
        context = self.admin_site.each_context(request) | {
            "title": place.title,
            "opts": self.opts,
            "place": place,
            "form": form if may_write else None,
            "may_publish": request.user.has_perm("privacy.publish_letter"),
            **seen_as(place, *_written(form)),
        }
        return TemplateResponse(request, f"{FOLDER}/place.html", context)

    def _save(self, request: HttpRequest, place: Place, form: TextForm) -> HttpResponse | None:
        """The way to the draft; None when the form must be shown again."""
        try:
            draft = letters.write(
                place.entry.name, place.kind, place.language,
                **form.cleaned_data, by=request.user, now=timezone.now(),  # type: ignore[arg-type]  # the site lets nobody else in
            )  # fmt: skip
        except ValidationError as error:
            for name, problems in error.message_dict.items():
                form.add_error(name if name in form.fields else None, problems)
            return None
        except CrasmeError as error:
            form.add_error(None, str(error))
            return None
        messages.success(request, _now("The draft is kept. Nothing is sent in it before it is put in force."))
        return redirect("admin:privacy_letter_change", draft.pk)

    # --- a version ---------------------------------------------------------------------------------------------------
    def shown(self, letter: Letter) -> dict[str, Any]:
        """What the page of a version shows besides its fields."""
        try:
            place = find(letter.template, letter.kind, letter.language)
        except LookupError:  # a letter that this program does not send any more
            return {}
        return seen_as(place, letter.subject, letter.body) | {"place": place}

    def get_fieldsets(self, request: HttpRequest, obj: Letter | None = None) -> list[Any]:
        return []  # the table of versions says it all

    def way_back(self, letter: Letter) -> str:
        try:
            return find(letter.template, letter.kind, letter.language).address
        except LookupError:
            return reverse("admin:privacy_letter_changelist")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if (letter := kwargs.get("obj")) is not None:
            context |= self.shown(letter)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        letter = self.get_object(request, unquote(str(object_id)))
        fitting = {Letter.State.DRAFT: ("put_in_force", "throw_away"), Letter.State.ACTIVE: ("take_back",)}
        names = {f"privacy_letter_{name}" for name in fitting.get(letter.state, ())} if letter else set()
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    @action(
        description=_("Put in force"), permissions=["privacy.publish_letter"], icon="verified",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    @asks(
        title=_("Put this text in force"),
        text=_("From now on the letter is sent in this text. What has been sent stays as it was."),
        button=_("Put in force"),
    )
    def put_in_force(self, http: HttpRequest, letter: Letter, form: Any) -> str:
        letters.activate(letter, seen=form.cleaned_data["seen"], by=http.user, now=timezone.now())  # type: ignore[arg-type]
        return _now("The text is in force.")

    @action(description=_("Take back"), permissions=["privacy.publish_letter"], icon="undo")
    @asks(
        title=_("Take this text back"),
        text=_(
            "The letter is sent in the text for every kind again, or in the one that ships. This version stays here."
        ),
        button=_("Take back"),
        danger=True,
    )
    def take_back(self, http: HttpRequest, letter: Letter, form: Any) -> str:
        letters.retire(letter, by=http.user, now=timezone.now())  # type: ignore[arg-type]
        return _now("The text is retired.")

    @action(description=_("Throw away"), permissions=["privacy.draft_letter"], icon="delete")
    @asks(
        title=_("Throw this draft away"),
        text=_("Nothing was ever sent in it. It cannot be brought back."),
        button=_("Throw away"),
        danger=True,
    )
    def throw_away(self, http: HttpRequest, letter: Letter, form: Any) -> str:
        letters.discard(letter, seen=form.cleaned_data["seen"], by=http.user)  # type: ignore[arg-type]
        return _now("The draft is gone.")


def _written(form: TextForm) -> tuple[str, str]:
    """The text to look at: what was typed, while it has no faults, or what the editor begins with."""
    if not form.is_bound:
        return form.place.start
    return (form.cleaned_data["subject"], form.cleaned_data["body"]) if form.is_valid() else ("", "")


def seen_as(place: Place, subject: str, body: str) -> dict[str, Any]:
    """The mail that the text makes, and the text beside the one that ships, line by line; empty if there is no mail."""
    try:
        mail = preview.of_text(place.entry, place.kind, place.language, subject=subject, body=body) if body else None
    except LetterBroken:
        mail = None
    if mail is None:
        return {}
    lines = list(preview.compared("\n\n".join(place.shipped), markup.tidy(f"{subject}\n\n{body}")))
    same = all(line.what == "same" for line in lines)
    return pictures(mail, place.language) | {"changes": lines, "same": same}
