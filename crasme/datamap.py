"""The tables of apps that others wrote, and what is stored about people in them.

They hold staff only: nobody else signs in here. The roof declares them, since no room owns them.
"""

from crasme.kit.datamap import Category, NoPeople, Purpose, Sensitivity, Table, kept

SECURITY = (Purpose.SECURITY,)
WORKS_HERE = "Needed while the person works here, and as long as evidence of what was done names them."
UNUSED = "Sign-in attempts are counted as expiring hashes in the cache (AXES_HANDLER); this table stays empty."

TABLES = [
    Table(
        label="admin.LogEntry",
        title="Changes made in the back office",
        category=Category.STAFF,
        purposes=SECURITY,
        subject={"staff": "user"},
        ends="admin-log",
        source="recorded by the back office",
        order="action_time",
        fields={
            "action_time": kept("When", reason=WORKS_HERE),
            "user": kept("Who made the change", reason=WORKS_HERE),
            "content_type": kept("What kind of thing was changed", reason=WORKS_HERE),
            "object_id": kept("Which one was changed", reason=WORKS_HERE),
            "object_repr": kept("Its name, which never shows a customer", reason=WORKS_HERE),
            "action_flag": kept("Added, changed or deleted", reason=WORKS_HERE),
            "change_message": kept("Which fields were changed, without their values", reason=WORKS_HERE),
        },
    ),
    Table(
        label="mfa.Authenticator",
        title="Second factors of staff",
        category=Category.STAFF,
        purposes=SECURITY,
        subject={"staff": "user"},
        ends="staff-accounts",
        order="created_at",
        fields={
            "user": kept("Whose second factor it is", reason=WORKS_HERE),
            "type": kept("App, security key or recovery codes", reason=WORKS_HERE),
            "data": kept(
                "The secret, encrypted",
                reason=WORKS_HERE,
                sensitivity=Sensitivity.SECRET,
                withheld="Whoever holds it can sign in.",
            ),
            "created_at": kept("When it was set up", reason=WORKS_HERE),
            "last_used_at": kept("When it was last used", reason=WORKS_HERE),
        },
    ),
    Table(
        label="account.EmailAddress",
        title="Sign-in addresses of staff",
        category=Category.STAFF,
        purposes=SECURITY,
        subject={"staff": "user", "email": "email"},
        ends="staff-accounts",
        source="made at sign-in",
        fields={
            "user": kept("Whose address it is", reason=WORKS_HERE),
            "email": kept("The address", reason=WORKS_HERE),
            "verified": kept("Whether it was confirmed", reason=WORKS_HERE),
            "primary": kept("Whether it is the main one", reason=WORKS_HERE),
        },
    ),
    Table(
        label="account.EmailConfirmation",
        title="Confirmations of sign-in addresses of staff",
        category=Category.STAFF,
        purposes=SECURITY,
        subject={"staff": "email_address__user", "email": "email_address__email"},
        ends="staff-accounts",
        source="made at sign-in",
        fields={
            "email_address": kept("The address", reason=WORKS_HERE),
            "created": kept("When it was asked for", reason=WORKS_HERE),
            "sent": kept("When the mail went out", reason=WORKS_HERE),
            "key": kept(
                "The code in the link",
                reason=WORKS_HERE,
                sensitivity=Sensitivity.SECRET,
                withheld="Whoever holds it can confirm the address.",
            ),
        },
    ),
    NoPeople("axes.AccessAttempt", why=UNUSED),
    NoPeople("axes.AccessAttemptExpiration", why=UNUSED),
    NoPeople("axes.AccessFailureLog", why=UNUSED),
    NoPeople("axes.AccessLog", why=UNUSED),
    NoPeople("contenttypes.ContentType", why="Names of tables."),
    NoPeople("django_celery_beat.*", why="Schedules of tasks; arguments are ids of rows at most."),
]
