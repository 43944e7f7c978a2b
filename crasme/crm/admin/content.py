"""What customers wrote: contacts, deals and notes. Staff look at it to answer a request, and change nothing."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crasme.crm.admin.base import RecordAdmin, link_to_account
from crasme.crm.models import Contact, Deal, Note


class _ContentAdmin(RecordAdmin):
    ordering = ("-id",)

    @display(description=_("owner"), ordering="owner")
    def owner_link(self, obj: Any) -> str:
        return link_to_account(obj.owner_id)


@admin.register(Contact)
class ContactAdmin(_ContentAdmin):
    list_display = ("full_name", "email", "company", "owner_link", "created_at")
    search_fields = ("email__exact", "full_name__icontains")
    search_help_text = _("The whole e-mail address, a part of the name, or the id.")


@admin.register(Deal)
class DealAdmin(_ContentAdmin):
    list_display = ("title", "value", "currency", "stage", "owner_link", "created_at")
    list_filter = (("stage", ChoicesDropdownFilter),)
    search_fields = ("title__icontains",)
    search_help_text = _("A part of the title, or the id.")


@admin.register(Note)
class NoteAdmin(_ContentAdmin):
    list_display = ("excerpt", "owner_link", "created_at")
    search_fields = ("body__icontains",)
    search_help_text = _("A part of the text, or the id.")

    @display(description=_("text"))
    def excerpt(self, obj: Note) -> str:
        return obj.body if len(obj.body) <= 80 else f"{obj.body[:79]}…"
