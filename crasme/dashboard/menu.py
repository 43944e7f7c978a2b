"""The menu: every page that somebody may open, and none that they may not.

What could go wrong: a link that answers 403, or a page that nobody finds. So entries are models, an entry shows when
its page exists and the user has its view permission, and a test walks the menu as each role.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from crasme.dashboard.desk import overdue_count, unsorted_count

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Page:
    """An admin list (`label` is "app.model"), or another page of this site (`url` names it).

    A list bears the name that heads its page, and asks that page who may open it; the others have a `title` and a
    `permission` of their own, and some stand here only where a `setting` is made.
    """

    icon: str
    label: str = ""
    title: Words = ""
    url: str = ""
    setting: str = ""
    permission: str = ""


MENU: tuple[tuple[Words, tuple[Page, ...]], ...] = (
    ("", (Page("space_dashboard", title=_("Overview"), url="admin:index"),)),
    (
        _("Requests"),
        (
            Page("inbox", "privacy.Request"),
            Page("mark_email_unread", "privacy.InboundMail"),
            Page("checklist", "privacy.Step"),
            Page("mail", "privacy.Message"),
            Page("edit_note", "privacy.Letter"),
            Page("fact_check", "privacy.Plan"),
            Page("attach_file", "privacy.Attachment"),
            Page("folder_zip", "privacy.Package"),
            Page("forward_to_inbox", "privacy.Referral"),
            Page("share", "privacy.RecipientNotice"),
            Page("alt_route", "privacy.AssignmentRule"),
        ),
    ),
    (
        _("People"),
        (
            Page("person_raised_hand", "privacy.Person"),
            Page("group", "crm.Account"),
            Page("apartment", "crm.Organisation"),
        ),
    ),
    (
        _("Data held"),
        (
            Page("receipt_long", "crm.Invoice"),
            Page("gavel", "crm.Dispute"),
            Page("credit_card_off", "crm.BillingProfile"),
            Page("devices", "crm.Device"),
            Page("monitoring", "crm.UsageEvent"),
            Page("pan_tool", "crm.HeldUsageEvent"),
            Page("hub", "crm.Integration"),
            Page("sync_alt", "crm.SyncedMessage"),
            Page("password", "crm.Credential"),
            Page("contacts", "crm.Contact"),
            Page("handshake", "crm.Deal"),
            Page("sticky_note_2", "crm.Note"),
        ),
    ),
    (
        _("Policy"),
        (
            Page("policy", "privacy.PolicyVersion"),
            Page("rate_review", "privacy.PolicyProposal"),
            Page("gavel", "privacy.Right"),
            Page("share", "privacy.Recipient"),
            Page("domain", "privacy.Controller"),
        ),
    ),
    (
        _("Retention"),
        (
            Page("auto_delete", "retention.Rule"),
            Page("event_upcoming", "retention.Plan"),
            Page("history", "retention.Run"),
            Page("front_hand", "retention.Hold"),
            Page("backup", "retention.BackupSet"),
        ),
    ),
    (
        _("Consent"),
        (
            Page("how_to_reg", "consent.ConsentEvent"),
            Page("pan_tool", "consent.HeldConsentEvent"),
            Page("devices", "consent.VisitorAccount"),
            Page("handshake", "consent.Acceptance"),
            Page("campaign", "consent.Notice"),
            Page("image", "consent.NoticePicture"),
            Page("monitoring", "consent.NoticeDay"),
            Page("category", "consent.Category"),
            Page("extension", "consent.Service"),
            Page("cookie", "consent.Cookie"),
            Page("balance", "consent.NoticeMeasurement"),
            Page("history", "consent.RegistryVersion"),
            Page("task_alt", "consent.RegistryCheck"),
            Page("search", "consent.CookieSighting"),
            Page("topic", "consent.Topic"),
            Page("rule", "consent.MarketingChoice"),
            Page("block", "consent.Suppression"),
        ),
    ),
    (
        _("Evidence"),
        (
            Page("fact_check", title=_("Promise board"), url="admin:promises"),
            Page("verified", "ledger.Entry"),
            Page("approval", "ledger.Seal"),
            Page("visibility", "staff.AccessEntry"),
        ),
    ),
    (
        _("Staff"),
        (
            Page("badge", "staff.User"),
            Page("event_busy", "staff.Absence"),
            Page("admin_panel_settings", "auth.Group"),
            Page("key", "staff.ApiKey"),
        ),
    ),
    (
        _("Operations"),
        (
            Page("schedule", "django_celery_beat.PeriodicTask"),
            Page(
                "deployed_code_history",
                title=_("Task monitor"),
                url="admin:task_monitor",
                setting="FLOWER_URL",
                permission="django_celery_beat.change_periodictask",
            ),
            Page("webhook", "privacy.WebhookEndpoint"),
            Page("outbox", "privacy.WebhookDelivery"),
            Page("api", title=_("API description"), url="api-docs", permission="staff.view_apikey"),
        ),
    ),
)


# What waits for somebody, by the page on which it is done.
BADGES: tuple[tuple[str, Callable[[], int], str], ...] = (
    ("privacy.Request", overdue_count, "danger"),
    ("privacy.InboundMail", unsorted_count, "warning"),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The theme's groups and items, for this user."""
    groups = []
    for title, pages in MENU:
        items = [item for page in pages if (item := _item(page, request))]
        if items:
            groups.append({"title": title, "separator": bool(title), "collapsible": False, "items": items})
    return groups


def _item(page: Page, request: HttpRequest) -> dict[str, Any] | None:
    if page.label:
        return _list_item(page, request)
    if page.permission and not request.user.has_perm(page.permission):
        return None
    if page.setting and not getattr(settings, page.setting):
        return None
    return {"title": page.title, "icon": page.icon, "link": reverse(page.url)}


def _list_item(page: Page, request: HttpRequest) -> dict[str, Any] | None:
    model = apps.get_model(page.label)
    shown = admin.site._registry.get(model)
    if shown is None or not shown.has_view_or_change_permission(request):
        return None
    item: dict[str, Any] = {
        "title": capfirst(shown.opts.verbose_name_plural),
        "icon": page.icon,
        "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
    }
    for label, count, variant in BADGES:
        if page.label == label and (number := count()):
            item |= {"badge": number, "badge_variant": variant, "badge_style": "solid"}
    return item


def environment(request: HttpRequest) -> list[Any]:
    """The badge beside the title: nobody should take a demo for the real thing, nor the other way round."""
    if settings.DEMO_SIGN_INS:
        return [_("Demo"), "warning"]
    if settings.DEBUG:
        return [_("Development"), "info"]
    return [_("Production"), "danger"]
