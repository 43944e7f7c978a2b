"""Who is told about requests: set up here, switched on and off here, and every message that went or did not.

What could go wrong: a secret that is shown twice, or lies in a message that passes through a cookie (it is in one page,
once, that no cache keeps), an address that leads into our own network (refused before it is stored, and again whenever
something is sent).
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crasme.kit.claims import WorkState
from crasme.kit.errors import CrasmeError
from crasme.staff.admin import StaffModelAdmin, confirmed
from privacy import troubles
from privacy.admin.records import WORK_COLOURS, OfRequestAdmin
from privacy.models import WebhookDelivery, WebhookEndpoint
from privacy.services import webhooks
from privacy.webhooks import addresses


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        label=_("Events"), choices=WebhookEndpoint.Event.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar = ("name", "url", "events", "key")

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            addresses.parse(url)
        except addresses.AddressRefused as error:
            raise forms.ValidationError(str(error), code=error.code) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(StaffModelAdmin):
    empty_words = _("No system is told of requests yet. Add a webhook, then send it a test.")
    list_display = ("name", "standing", "event_list", "key", "failing_since", "created_at")
    list_select_related: ClassVar[Any] = ("key",)
    search_fields = ("name",)
    ordering = ("name", "created_at")
    form = EndpointForm
    fields = (
        "name", "url", "events", "key", "standing", ("failing_since", "failures"), ("rest_until", "off_at", "off_why"),
        "former_until", ("created_by", "created_at"),
    )  # fmt: skip
    readonly_fields = (
        "standing", "failing_since", "failures", "rest_until", "off_at", "off_why", "former_until", "created_by",
        "created_at",
    )  # fmt: skip
    add_fieldsets = ((None, {"fields": ("name", "url", "events", "key")}),)
    actions_detail = ("try_out", "rotate", "switch_off", "switch_on")

    def get_fieldsets(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        # What a receiver may hear of is fixed with its key: another key is another webhook.
        return (*self.readonly_fields, "key") if obj else ()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The next page shows the secret; a form for another one would hide it for ever.
        only = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().add_view(request, form_url, (extra_context or {}) | only)
        return page

    def has_delete_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Only what fits: on or off."""
        endpoint = self.get_object(request, unquote(str(object_id)))
        unfit = {"privacy_webhookendpoint_" + ("switch_on" if endpoint is None or endpoint.active else "switch_off")}
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name not in unfit]

    @display(
        description=_("state"),
        label={_("in use"): "success", _("failing"): "warning", _("switched off"): "danger"},
    )
    def standing(self, endpoint: WebhookEndpoint) -> Any:
        if not endpoint.active:
            return _("switched off")
        return _("failing") if endpoint.failing_since else _("in use")

    @display(description=_("events"))
    def event_list(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(event.removeprefix("request.") for event in endpoint.events)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        chosen = {name: form.cleaned_data[name] for name in ("name", "url", "events")}
        if change:
            webhooks.change(obj, **chosen, by=request.user)  # type: ignore[arg-type]  # the site lets nobody else in
            return
        made, secret = webhooks.set_up(
            **chosen,
            key=form.cleaned_data["key"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
        obj.__dict__.update(made.__dict__)
        request.issued_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._shown_once(request, obj, request.issued_secret)  # type: ignore[attr-defined]

    def _shown_once(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": _("The secret of this webhook"),
            "opts": self.opts,
            "original": endpoint,
            "secret": secret,
        }
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/privacy/webhookendpoint/secret.html", context, headers=headers)

    # --- acts --------------------------------------------------------------------------------------------------------
    @action(description=_("Send a test"), permissions=["privacy.change_webhookendpoint"], icon="send")
    @confirmed(
        title=_("Send a test"),
        text=_("A signed message that is about nothing goes to {object}. Its page shows what came back."),
        button=_("Send"),
    )
    def try_out(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=unquote(object_id))
        delivery = webhooks.try_out(endpoint, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("The test is in the queue."))
        return redirect("admin:privacy_webhookdelivery_change", delivery.pk)

    @action(description=_("New secret"), permissions=["privacy.change_webhookendpoint"], icon="key")
    @confirmed(
        title=_("Make a new secret"),
        text=_(
            "The next page shows it, once. For a day the former one signs as well, so that {object} can change over."
        ),
        button=_("Make it"),
    )
    def rotate(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=unquote(object_id))
        secret = webhooks.rotate(endpoint, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        return self._shown_once(request, endpoint, secret)

    @action(description=_("Switch off"), permissions=["privacy.change_webhookendpoint"], icon="toggle_off")
    @confirmed(
        title=_("Switch it off"),
        text=_("{object} is told nothing any more. What waits for it is kept, and sent when it is switched on again."),
        button=_("Switch off"),
    )
    def switch_off(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=unquote(object_id))
        webhooks.switch_off(endpoint, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("It is switched off."))
        return redirect("admin:privacy_webhookendpoint_change", endpoint.pk)

    @action(description=_("Switch on"), permissions=["privacy.change_webhookendpoint"], icon="toggle_on")
    @confirmed(
        title=_("Switch it on"),
        text=_(
            "{object} is told of what happens from now on, and of what waited for it. What happened in between it can "
            "read by the API."
        ),
        button=_("Switch on"),
    )
    def switch_on(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=unquote(object_id))
        webhooks.switch_on(endpoint, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("It is switched on."))
        return redirect("admin:privacy_webhookendpoint_change", endpoint.pk)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(OfRequestAdmin):
    empty_words = _("Every message to a webhook is listed here. Set up a webhook and send it a test.")
    list_display = ("event", "of_request", "endpoint", "standing", "status", "attempts", "trouble", "created_at")
    list_select_related: ClassVar[Any] = ("request", "endpoint")
    list_filter: ClassVar[Any] = (("state", ChoicesDropdownFilter), "endpoint")
    ordering = ("-created_at", "-id")
    fields = (
        ("event", "endpoint", "of_request"), ("state", "attempts"), ("status", "trouble"),
        ("created_at", "next_attempt_at", "finished_at"), "payload",
    )  # fmt: skip
    readonly_fields = ("of_request", "trouble")
    actions_detail = ("send_again",)

    @display(description=_("state"), ordering="state", label=WORK_COLOURS)
    def standing(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    @display(description=_("last error"), ordering="last_error")
    def trouble(self, delivery: WebhookDelivery) -> SafeString | str:
        return troubles.shown(delivery.last_error)

    @display(description=_("request"), ordering="request__reference")
    def of_request(self, row: WebhookDelivery) -> SafeString | str:
        return super().of_request(row) if row.request_id else "–"

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        row = self.get_object(request, unquote(str(object_id)))
        over = row is not None and row.state not in (WorkState.DUE, WorkState.LEASED)
        return super().get_actions_detail(request, object_id) if over else []

    @action(description=_("Send again"), permissions=["privacy.redeliver_webhook"], icon="replay")
    @confirmed(
        title=_("Send again"),
        text=_("The same words go out under the same id; a receiver that has them already drops them."),
        button=_("Send again"),
    )
    def send_again(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        delivery = get_object_or_404(WebhookDelivery, pk=unquote(object_id))
        try:
            webhooks.send_again(delivery, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is in the queue again."))
        return redirect("admin:privacy_webhookdelivery_change", delivery.pk)
