"""The page on which a colleague enters what came by telephone or post.

What could go wrong: a search for an account that nobody sees afterwards (it is logged as any other), a person's address
in the address of a page (everything is posted), an identity that was shown by what the caller said (the service
refuses it).
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from crasme.crm.models import Account
from crasme.kit.clock import controller_day
from crasme.kit.errors import CrasmeError
from crasme.kit.text import mask_email
from crasme.staff import access
from crasme.staff.models import AccessEntry
from privacy.clock.regimes import Regime
from privacy.forms.fields import AddressField, StorableCharField
from privacy.models import Request
from privacy.services import entering
from privacy.services.entering import Entered, Identity

# Which account is meant is chosen on the same page, so its language is not known to the form before it is sent.
ON_FILE = ("", _("as on file for the account"))
CHANNELS = [(channel.value, channel.label) for channel in entering.CHANNELS]


class EntryForm(forms.Form):
    find = forms.CharField(
        label=_("Find the account"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("A whole e-mail address, or how parts of the name begin. Then “Search”, below."),
    )
    account = forms.ChoiceField(label=_("Account"), required=False, widget=UnfoldAdminRadioSelectWidget)
    email = AddressField(
        label=_("E-mail address"),
        required=False,
        help_text=_("Only without an account: everything is sent there, and nothing is done until it is confirmed."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("What is asked for"),
        choices=Request.Kind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    channel = forms.ChoiceField(label=_("It came by"), choices=CHANNELS, widget=UnfoldAdminRadioSelectWidget)
    received_on = forms.DateField(
        label=_("Arrived on"),
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("The clock runs from that day, not from today."),
    )
    identity = forms.ChoiceField(
        label=_("Who asks, and how was it shown?"),
        choices=Identity.choices,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_("Only by what was on file before. Never by a number or an address that the caller gave."),
    )
    full_name = StorableCharField(
        label=_("Name given"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=[ON_FILE, *settings.LANGUAGES],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    regime = forms.ChoiceField(
        label=_("Law"), choices=[ON_FILE, *Regime.choices], required=False, widget=UnfoldAdminSelectWidget
    )
    about = StorableCharField(
        label=_("About whom"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("If it is about somebody else's account, for example a child's."),
    )
    details = StorableCharField(
        label=_("In the person's words"),
        max_length=10_000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
    )

    def __init__(self, data: Any = None, *, found: list[Account] | None = None) -> None:
        today = controller_day(timezone.now())
        initial = {
            "channel": Request.Channel.PHONE,
            "received_on": today,
            "identity": Identity.NOT_YET,
        }
        super().__init__(data, initial=initial)
        self.fields["email"].widget = UnfoldAdminEmailInputWidget()
        account: Any = self.fields["account"]
        account.choices = [("", _("none of these")), *((str(each.pk), _named(each)) for each in found or [])]
        if not found:
            account.widget = forms.HiddenInput()

    def clean_language(self) -> str:
        """Only an account says which language its person reads; of anybody else the colleague has to say it."""
        language: str = self.cleaned_data["language"]
        if not language and not self.cleaned_data.get("account"):
            raise ValidationError(_("Without an account, choose the language that the person reads."))
        return language

    def clean(self) -> dict[str, Any]:
        """Of nobody it is said at both places where somebody can be named."""
        cleaned = super().clean() or self.cleaned_data
        named = cleaned.get("account") or cleaned.get("email") or {"account", "email"} & self.errors.keys()
        if not named:
            for name in ("find", "email"):
                self.add_error(name, entering.NOBODY)
        return cleaned

    def told(self) -> Entered:
        cleaned = {name: value for name, value in self.cleaned_data.items() if name != "find"}
        return Entered(**cleaned | {"account": cleaned["account"] or None})


def _named(account: Account) -> str:
    language = dict(settings.LANGUAGES).get(account.language, account.language)
    lives = f"{account.organisation.name} ({account.organisation.country})"
    return f"{account.full_name}, {mask_email(account.email)}, {lives}, {language}"


class EntryPage:
    """Mixed into the desk."""

    @action(
        description=_("Enter a request"),
        url_path="enter",
        permissions=["privacy.work_request"],
        icon="phone_in_talk",
        variant=ActionVariant.PRIMARY,
    )
    def enter_request(self, http: HttpRequest) -> HttpResponse:
        """GET shows the form; "Search" looks for accounts; anything else posted enters the request."""
        if http.method != "POST":
            return self._entry_page(http, EntryForm())
        found = self._found(http)
        if "look" in http.POST:
            if not found:
                messages.warning(http, _now("No account was found by that."))
            return self._entry_page(http, _unchecked(EntryForm(_preselected(http, found), found=found)))
        form = EntryForm(http.POST, found=found)
        if form.is_valid() and (lead := _entered(http, form)) is not None:
            return redirect("admin:privacy_request_change", lead.pk)
        return self._entry_page(http, form)

    def _found(self, http: HttpRequest) -> list[Account]:
        found = list(entering.find(http.POST.get("find", ""))) if http.user.has_perm("crm.view_account") else []
        if found:
            access.record(
                http.user,  # type: ignore[arg-type]  # the site lets nobody else in
                AccessEntry.Action.SEARCH,
                Account._meta.label_lower,
                now=timezone.now(),
                rows=len(found),
                subject_ref=access.subject_ref_of(found[0]) if len(found) == 1 else "",
            )
        return found

    def _entry_page(self: Any, http: HttpRequest, form: EntryForm) -> HttpResponse:
        context = self.admin_site.each_context(http) | {
            "title": _("Enter a request"),
            "form": form,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(http, "admin/privacy/request/entry.html", context)


def _preselected(http: HttpRequest, found: list[Account]) -> QueryDict:
    """The one account that was searched for by its whole address or name is chosen, unless another of those found was;
    what was chosen of an earlier search is not among them any more.
    """
    data = http.POST.copy()
    exact = entering.meant_exactly(data.get("find", ""), found)
    if exact is not None and data.get("account") not in {str(each.pk) for each in found}:
        data["account"] = str(exact.pk)
    return data


def _unchecked(form: EntryForm) -> EntryForm:
    """As it was filled in so far, without complaints about what is still missing."""
    form._errors = forms.utils.ErrorDict()  # type: ignore[attr-defined]
    return form


def _entered(http: HttpRequest, form: EntryForm) -> Request | None:
    try:
        stored = entering.enter(form.told(), by=http.user, now=timezone.now())  # type: ignore[arg-type]
    except ValidationError as error:
        for name, problems in error.message_dict.items():
            form.add_error(name if name in form.fields else None, problems)
    except CrasmeError as error:
        form.add_error(None, str(error))
    else:
        messages.success(
            http, _now("Entered: %(references)s.") % {"references": ", ".join(each.reference for each in stored)}
        )
        return stored[0]
    return None
