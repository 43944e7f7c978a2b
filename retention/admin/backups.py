"""The register of backups: which copies exist, until when, and when they were seen to be gone; and the restore gate."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from crasme.kit.errors import CrasmeError
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin, confirmed
from retention import gate, services, wording
from retention.copies import Found
from retention.errors import RetentionError
from retention.models import BackupSet, ErasureParked


@admin.register(BackupSet)
class BackupSetAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("name", "kind", "made_at", "expires_at", "condition", "verified_gone_at", "bytes_in_words")
    list_filter: ClassVar = [("kind", ChoicesDropdownFilter), ("verified_gone_at", admin.EmptyFieldListFilter)]
    search_fields: ClassVar = ["name"]
    ordering = ("-made_at",)
    list_before_template = "admin/retention/backupset/ledger.html"
    actions_detail = ("seen_gone",)

    @display(description=_("state"), label={"gone": "success", "overdue": "danger", "kept": "info"})
    def condition(self, backup: BackupSet) -> tuple[str, Any]:
        if backup.verified_gone_at is not None:
            return "gone", _("gone")
        if backup.expires_at < timezone.now():
            return "overdue", _("overdue")
        return "kept", _("kept")

    @display(description=_("size"), ordering="size")
    def bytes_in_words(self, backup: BackupSet) -> str:
        return filesizeformat(backup.size)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        parked = [(row, wording.trouble(row.error)) for row in ErasureParked.objects.filter(done_at=None)]
        shown = {"gate": gate.look(), "unregistered": _unregistered(), "parked": parked}
        return super().changelist_view(request, {**(extra_context or {}), **shown})

    # --- a processor's copy ------------------------------------------------------------------------------------------
    def has_confirm_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("retention.confirm_backupset")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        backup = self.get_object(request, unquote(str(object_id)))
        if backup is None or backup.kind != BackupSet.Kind.PROCESSOR or backup.verified_gone_at is not None:
            return []
        return list(super().get_actions_detail(request, object_id))

    @action(description=_("Seen to be gone"), permissions=["confirm"], icon="task_alt")
    @confirmed(
        title=_("Is this copy gone?"),
        text=_("The processor has shown that it deleted “{object}”. Your name stands under it."),
        button=_("It is gone"),
    )
    def seen_gone(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        backup = self.get_object(request, unquote(object_id))
        if backup is None:
            raise Http404
        try:
            services.seen_gone(backup, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Noted: the copy is gone."))
        return redirect("admin:retention_backupset_change", backup.pk)


def _unregistered() -> list[Found] | None:
    try:
        return services.unregistered_backups()
    except (RetentionError, OSError):
        return None
