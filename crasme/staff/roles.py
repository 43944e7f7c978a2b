"""Who may do what: the one table of roles, from which the groups are made and kept after every migration.

What could go wrong: a right clicked together by hand that nobody remembers, or a role that quietly lost its meaning
when a permission was renamed. So groups follow this table and are read-only in the admin, `*` stands for any run of
characters in one permission, and a pattern that matches nothing fails the tests (`unmatched`).

No models are imported at the top: the roof loads this module before the apps are ready.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, transaction


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    does: str
    may: tuple[str, ...]


SUPPORT_AGENT: Final = "Support agent"
PRIVACY_OFFICER: Final = "Privacy officer"
OPERATIONS: Final = "Operations"
AUDITOR: Final = "Auditor"

ROLES: Final = (
    Role(
        SUPPORT_AGENT,
        "Works on requests: takes them, looks at what was found, corrects, answers. Proposes erasures, approves none.",
        (
            "privacy.view_*",
            "privacy.work_request",
            "privacy.release_access",
            "privacy.propose_erasure",
            "privacy.redrive_step",
            "privacy.draft_letter",
            "privacy.complete_step",
            "staff.view_absence",
            "staff.add_absence",
            "staff.change_absence",
            "staff.delete_absence",
            "crm.view_*",
            "crm.change_account",
            "crm.change_billingprofile",
            "crm.restrict_account",
            "crm.settle_dispute",
            "crm.disconnect_integration",
            "consent.view_*",
            "consent.add_suppression",
            "retention.view_rule",
            "retention.view_hold*",
        ),
    ),
    Role(
        PRIVACY_OFFICER,
        "Decides: approves and refuses, publishes policies, places holds, imports and exports, reads the evidence.",
        (
            "privacy.*",
            "crm.view_*",
            "crm.*_account",
            "crm.change_billingprofile",
            "crm.*_organisation",
            "crm.settle_dispute",
            "crm.disconnect_integration",
            "consent.*",
            "retention.*",
            "ledger.view_*",
            "staff.view_*",
            "staff.*_absence",
            "auth.view_group",
        ),
    ),
    Role(
        OPERATIONS,
        "Keeps it running: staff and keys, schedules, runs, stopped work. Sees nobody's data.",
        (
            "privacy.view_step",
            "privacy.redrive_step",
            "privacy.*_webhookendpoint",
            "privacy.view_webhookdelivery",
            "privacy.redeliver_webhook",
            "retention.view_rule",
            "retention.view_plan",
            "retention.view_run",
            "retention.*_backupset",
            "staff.*_user",
            "staff.*_absence",
            "staff.*_apikey",
            "auth.view_group",
            "ledger.view_*",
            "django_celery_beat.view_periodictask",
            "django_celery_beat.change_periodictask",
        ),
    ),
    Role(
        AUDITOR,
        "Reads everything, changes nothing.",
        (
            "privacy.view_*",
            "crm.view_*",
            "consent.view_*",
            "retention.view_*",
            "ledger.view_*",
            "staff.view_*",
            "auth.view_group",
            "django_celery_beat.view_periodictask",
        ),
    ),
)


def sync(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the groups and give each exactly its permissions. A permission not migrated yet comes with a later sync."""
    group_model = apps.get_model("auth.Group")
    known = _permissions(using)
    with transaction.atomic(using=using):
        for role in ROLES:
            group, _created = group_model.objects.using(using).get_or_create(name=role.name)
            group.permissions.set({known[name] for name in matching(role.may, known)})


def unmatched(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """ "role: pattern" for every pattern of the table that no permission fits."""
    known = _permissions(using)
    return [f"{role.name}: {pattern}" for role in ROLES for pattern in role.may if not matching([pattern], known)]


def matching(patterns: Iterable[str], names: Iterable[str]) -> set[str]:
    """The permissions ("app.codename") that fit any pattern."""
    wanted = list(patterns)
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in wanted)}


def _permissions(using: str) -> dict[str, int]:
    rows = apps.get_model("auth.Permission").objects.using(using).order_by()
    found = rows.values_list("content_type__app_label", "codename", "pk")
    return {f"{label}.{codename}": pk for label, codename, pk in found}
