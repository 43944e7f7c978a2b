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
from django.utils.translation import gettext_lazy as _

from crasme.dashboard.desk import overdue_count, unsorted_count

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Page:
    """An admin list (`label` is "app.model"), an address of this site (`url` names it), or one that a setting holds.

    `permission` opens the latter two; lists ask their own page.
    """

    title: Words
    icon: str
    label: str = ""
    url: str = ""
    setting: str = ""
    permission: str = ""


MENU: tuple[tuple[Words, tuple[Page, ...]], ...] = (
    ("", (Page(_("Overview"), "space_dashboard", url="admin:index"),)),
    (
        _("Requests"),
        (
            Page(_("Requests"), "inbox", "privacy.Request"),
            Page(_("Mail to be sorted"), "mark_email_unread", "privacy.InboundMail"),
            Page(_("Steps"), "checklist", "privacy.Step"),
            Page(_("Messages"), "mail", "privacy.Message"),
            Page(_("Letters"), "edit_note", "privacy.Letter"),
            Page(_("Plans"), "fact_check", "privacy.Plan"),
            Page(_("Attachments"), "attach_file", "privacy.Attachment"),
            Page(_("Packages"), "folder_zip", "privacy.Package"),
            Page(_("Passed on to customers"), "forward_to_inbox", "privacy.Referral"),
            Page(_("Recipients told"), "share", "privacy.RecipientNotice"),
            Page(_("Assignment rules"), "alt_route", "privacy.AssignmentRule"),
        ),
    ),
    (
        _("People"),
        (
            Page(_("People who asked"), "person_raised_hand", "privacy.Person"),
            Page(_("Accounts"), "group", "crm.Account"),
            Page(_("Organisations"), "apartment", "crm.Organisation"),
        ),
    ),
    (
        _("Data held"),
        (
            Page(_("Invoices"), "receipt_long", "crm.Invoice"),
            Page(_("Disputes"), "gavel", "crm.Dispute"),
            Page(_("Billing profiles"), "credit_card_off", "crm.BillingProfile"),
            Page(_("Devices"), "devices", "crm.Device"),
            Page(_("Usage events"), "monitoring", "crm.UsageEvent"),
            Page(_("Usage events on hold"), "pan_tool", "crm.HeldUsageEvent"),
            Page(_("Integrations"), "hub", "crm.Integration"),
            Page(_("Synchronised mail"), "sync_alt", "crm.SyncedMessage"),
            Page(_("Credentials"), "password", "crm.Credential"),
            Page(_("Contacts"), "contacts", "crm.Contact"),
            Page(_("Deals"), "handshake", "crm.Deal"),
            Page(_("Notes"), "sticky_note_2", "crm.Note"),
        ),
    ),
    (
        _("Policy"),
        (
            Page(_("Policy versions"), "policy", "privacy.PolicyVersion"),
            Page(_("Proposals of policies"), "rate_review", "privacy.PolicyProposal"),
            Page(_("Rights"), "gavel", "privacy.Right"),
            Page(_("Recipients"), "share", "privacy.Recipient"),
            Page(_("Controller"), "domain", "privacy.Controller"),
        ),
    ),
    (
        _("Retention"),
        (
            Page(_("Rules"), "auto_delete", "retention.Rule"),
            Page(_("Plans"), "event_upcoming", "retention.Plan"),
            Page(_("Runs"), "history", "retention.Run"),
            Page(_("Legal holds"), "front_hand", "retention.Hold"),
            Page(_("Backups"), "backup", "retention.BackupSet"),
        ),
    ),
    (
        _("Consent"),
        (
            Page(_("Choices"), "how_to_reg", "consent.ConsentEvent"),
            Page(_("Choices on hold"), "pan_tool", "consent.HeldConsentEvent"),
            Page(_("Browsers of accounts"), "devices", "consent.VisitorAccount"),
            Page(_("Policy acceptances"), "handshake", "consent.Acceptance"),
            Page(_("Notices"), "campaign", "consent.Notice"),
            Page(_("Pictures of notices"), "image", "consent.NoticePicture"),
            Page(_("Answers by day"), "monitoring", "consent.NoticeDay"),
            Page(_("Categories"), "category", "consent.Category"),
            Page(_("Services"), "extension", "consent.Service"),
            Page(_("Cookies"), "cookie", "consent.Cookie"),
            Page(_("Fairness"), "balance", "consent.NoticeMeasurement"),
            Page(_("Registry versions"), "history", "consent.RegistryVersion"),
            Page(_("Registry checks"), "task_alt", "consent.RegistryCheck"),
            Page(_("Cookies seen"), "search", "consent.CookieSighting"),
            Page(_("Marketing topics"), "topic", "consent.Topic"),
            Page(_("Marketing choices"), "rule", "consent.MarketingChoice"),
            Page(_("Suppression"), "block", "consent.Suppression"),
        ),
    ),
    (
        _("Evidence"),
        (
            Page(_("Promise board"), "fact_check", url="admin:promises"),
            Page(_("Ledger"), "verified", "ledger.Entry"),
            Page(_("Seals"), "approval", "ledger.Seal"),
            Page(_("Access log"), "visibility", "staff.AccessEntry"),
        ),
    ),
    (
        _("Staff"),
        (
            Page(_("Staff users"), "badge", "staff.User"),
            Page(_("Absences"), "event_busy", "staff.Absence"),
            Page(_("Roles"), "admin_panel_settings", "auth.Group"),
            Page(_("API keys"), "key", "staff.ApiKey"),
        ),
    ),
    (
        _("Operations"),
        (
            Page(_("Schedules"), "schedule", "django_celery_beat.PeriodicTask"),
            Page(
                _("Task queue"),
                "deployed_code_history",
                setting="FLOWER_URL",
                permission="django_celery_beat.change_periodictask",
            ),
            Page(_("Webhooks"), "webhook", "privacy.WebhookEndpoint"),
            Page(_("Webhook deliveries"), "outbox", "privacy.WebhookDelivery"),
            Page(_("API description"), "api", url="api-docs", permission="staff.view_apikey"),
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
    link = getattr(settings, page.setting) if page.setting else reverse(page.url)
    item: dict[str, Any] = {"title": page.title, "icon": page.icon, "link": link}
    if page.setting:
        item["active"] = False  # another site's start page; the theme would compare paths and take it for every page
    return item if link else None


def _list_item(page: Page, request: HttpRequest) -> dict[str, Any] | None:
    model = apps.get_model(page.label)
    shown = admin.site._registry.get(model)
    if shown is None or not shown.has_view_or_change_permission(request):
        return None
    item: dict[str, Any] = {
        "title": page.title,
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
