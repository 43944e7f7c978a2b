"""The register of backups: which copies exist, when they expire, and when they were seen to be gone."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin
from retention.models import BackupSet


@admin.register(BackupSet)
class BackupSetAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("name", "kind", "made_at", "expires_at", "condition", "verified_gone_at", "size")
    list_filter: ClassVar = [("kind", ChoicesDropdownFilter), ("verified_gone_at", admin.EmptyFieldListFilter)]
    search_fields: ClassVar = ["name"]
    ordering = ("-made_at",)

    @display(description=_("state"), label={"gone": "success", "overdue": "danger", "kept": "info"})
    def condition(self, backup: BackupSet) -> tuple[str, Any]:
        if backup.verified_gone_at is not None:
            return "gone", _("gone")
        if backup.expires_at < timezone.now():
            return "overdue", _("overdue")
        return "kept", _("kept")
