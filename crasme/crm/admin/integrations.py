"""Connected services. Tokens are never loaded here, so that no page, log or error can show them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from crasme.crm.admin.base import RecordAdmin
from crasme.crm.models import Integration, SyncedMessage
from crasme.crm.services import integrations
from crasme.staff.admin.confirm import confirmed


@admin.register(Integration)
class IntegrationAdmin(RecordAdmin):
    list_display = ("provider", "account_link", "connected_at", "synced_at", "disconnected_at")
    list_filter = (("provider", ChoicesDropdownFilter),)
    fields = ("provider", "account_link", "scopes", "sync_cursor", "connected_at", "synced_at", "disconnected_at", "id")
    readonly_fields = fields
    ordering = ("-id",)
    actions_detail = ("disconnect",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("access_token", "refresh_token")

    def has_disconnect_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("crm.disconnect_integration")

    @action(
        description=_("Disconnect"),
        permissions=["disconnect"],
        icon="link_off",
        variant=ActionVariant.DANGER,
    )
    @confirmed(
        title=_("Disconnect this service?"),
        text=_("Its tokens and everything that was synchronised from it are removed."),
        button=_("Disconnect"),
        danger=True,
    )
    def disconnect(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        integration = self.get_object(request, unquote(object_id))
        if integration is None:
            raise Http404
        count = integrations.disconnect(integration, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        if Integration.objects.filter(pk=integration.pk).exists():
            messages.warning(
                request, _("The tokens are gone. A legal hold or a restriction keeps the messages until it ends.")
            )
        else:
            done = ngettext(
                "Disconnected; %(count)d message is gone.", "Disconnected; %(count)d messages are gone.", count
            )
            messages.success(request, done % {"count": count})
        return redirect("admin:crm_integration_changelist")


@admin.register(SyncedMessage)
class SyncedMessageAdmin(RecordAdmin):
    list_display = ("id", "integration", "direction", "sent_at")
    list_filter = (("direction", ChoicesDropdownFilter),)
    list_select_related = ("integration",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("integration__access_token", "integration__refresh_token")
