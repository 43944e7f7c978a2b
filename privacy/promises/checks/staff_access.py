"""P4.1 and P4.2: how data travels, and who may see it."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.utils.translation import gettext as _, ngettext

from crasme.staff import roles
from crasme.staff.models import User
from privacy.promises.registry import Status, Verdict, promise


@promise("P4.1")
def encrypted(now: datetime) -> Verdict:
    """Broken where people's own ways are seen to be open, at risk where that to the database is and leaves the machine.
    At best partly measured, because the disks cannot be seen from here; not at all where it is not demanded."""
    database, is_near = _way_to_the_database()
    figures = {
        "web": bool(settings.SECURE_SSL_REDIRECT and settings.SECURE_HSTS_SECONDS),
        "mail": bool(settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL),
        "database": database,
    }
    yes, no = _("yes"), _("no")
    names = {"web": _("web pages"), "mail": _("mail"), "database": _("database")}
    words = ", ".join(f"{names[name]}: {yes if value else no}" for name, value in figures.items())
    is_open = not (figures["web"] and figures["mail"])
    if not settings.DEBUG and (is_open or not (database or is_near)):
        status = Status.BROKEN if is_open else Status.AT_RISK
        return Verdict(status, _("Encrypted in transit: %(ways)s.") % {"ways": words}, figures)
    if settings.DEBUG:
        words = _("%(ways)s (a development installation, where it is not demanded)") % {"ways": words}
    evidence = _("Encrypted in transit: %(ways)s. Whether the disks are encrypted cannot be seen from here.")
    return Verdict(Status.UNKNOWN if settings.DEBUG else Status.PARTLY, evidence % {"ways": words}, figures)


@promise("P4.2")
def by_role(now: datetime) -> Verdict:
    """Broken when a role may do what the table of roles does not say; at risk by people beside the roles."""
    staff = User.objects.filter(is_active=True, is_staff=True)
    second = Authenticator.objects.filter(type__in=["totp", "webauthn"]).values("user")
    figures = {
        "staff": staff.count(),
        "superusers": staff.filter(is_superuser=True).count(),
        "own_permissions": staff.filter(user_permissions__isnull=False).distinct().count(),
        "without_second_factor": staff.exclude(pk__in=second).count(),
        "roles_changed": len(_changed_roles()),
    }
    if figures["roles_changed"]:
        return Verdict(Status.BROKEN, _("A role may do other things than its definition says."), figures)
    if figures["own_permissions"]:
        evidence = ngettext(
            "%(own_permissions)s person has permissions beside their roles.",
            "%(own_permissions)s people have permissions beside their roles.",
            figures["own_permissions"],
        )
        return Verdict(Status.AT_RISK, evidence % figures, figures)
    if figures["without_second_factor"]:
        evidence = ngettext(
            "%(without_second_factor)s of %(staff)s staff has no second factor.",
            "%(without_second_factor)s of %(staff)s staff have no second factor.",
            figures["without_second_factor"],
        )
        return Verdict(Status.AT_RISK, evidence % figures, figures)
    evidence = ngettext(
        "%(staff)s works by their roles, with a second factor; %(superusers)s may do everything.",
        "%(staff)s staff work by their roles, each with a second factor; %(superusers)s may do everything.",
        figures["staff"],
    )
    return Verdict(Status.KEPT, evidence % figures, figures)


def _way_to_the_database() -> tuple[bool, bool]:
    """Whether the connection is encrypted, and whether it stays on this machine: a socket, or loopback."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ssl, coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true)"
            " FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        encrypted, is_near = cursor.fetchone() or (False, False)
    return encrypted, is_near


def _changed_roles() -> list[str]:
    """Groups whose permissions are not those of the table (crasme.staff.roles)."""
    known = {_name(permission) for permission in Permission.objects.select_related("content_type")}
    groups = Group.objects.prefetch_related("permissions__content_type")
    held = {group.name: {_name(permission) for permission in group.permissions.all()} for group in groups}
    return [role.name for role in roles.ROLES if held.get(role.name) != roles.matching(role.may, known)]


def _name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
