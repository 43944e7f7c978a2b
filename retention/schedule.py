"""The first schedule: what ends when, from the published policy (section 8) and from what this system itself stores.

It is put in force once, rule by rule, where a database has no rule of that name at all; from then on the rows in the
database are the schedule, and changing them is a publication (never an edit here).

What could go wrong: a table that stores people and that no rule ever ends. `retention.checks` refuses to start then.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction

from crasme.ledger.services import record
from retention.changing import publication
from retention.models import Rule
from retention.verbs import RULES_INSTALLED

# The day on which the policy that this schedule carries out was last updated.
IN_FORCE_FROM = datetime(2026, 2, 1, tzinfo=UTC)
OWN_RECORDS = "Proof that rights were respected, for as long as a claim about it can be raised; then it is of no use."


@dataclass(frozen=True, slots=True)
class Planned:
    """A rule of the first schedule; see `models.Rule` for the fields."""

    slug: str
    target: str
    anchor: str
    period: str
    legal_reason: str
    action: Rule.Action = Rule.Action.DELETE
    policy_section: str = ""
    carry_to: str = ""
    fields: tuple[str, ...] = ()
    unreferenced_by: tuple[str, ...] = ()
    batch_size: int = 20_000
    max_rows: int | None = None
    max_share: Decimal = Decimal(1)


FIRST_SCHEDULE = (
    Planned(
        slug="account-closed",
        target="crm.account",
        anchor="closed_at",
        period="P90D",
        action=Rule.Action.ERASE_ACCOUNT,
        policy_section="P8.1",
        legal_reason="Kept for 90 days after closure so that the customer can come back; nothing needs it after that.",
        batch_size=500,
        max_rows=20_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="usage",
        target="crm.usageevent",
        anchor="occurred_at",
        period="P24M",
        action=Rule.Action.DROP_PARTITIONS,
        carry_to="crm.heldusageevent",
        policy_section="P8.2",
        legal_reason="Faults and trends show within two years; older usage data improves nothing.",
        batch_size=20_000,
        max_rows=50_000_000,
        max_share=Decimal("0.6"),
    ),
    Planned(
        slug="billing",
        target="crm.invoice",
        anchor="issued_on",
        period="P7Y",
        policy_section="P8.3",
        legal_reason="Tax and commercial law demands billing records for seven years.",
        max_rows=500_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="billing-mailbox",
        target="crm.invoice",
        anchor="issued_on",
        period="P3Y",
        action=Rule.Action.BLANK,
        fields=("billed_email",),
        legal_reason=(
            "The mailbox an invoice was sent to is needed while it can be late or disputed; tax law asks for the"
            " invoice, not for the mailbox."
        ),
        batch_size=10_000,
        max_rows=500_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="backups",
        target="retention.backupset",
        anchor="made_at",
        period="P30D",
        action=Rule.Action.DELETE_FILES,
        policy_section="P8.4",
        legal_reason="A copy may outlive a deletion by 30 days at most, so no copy is older than that.",
        max_rows=1_000,
    ),
    Planned(
        slug="tombstones",
        target="crm.account",
        anchor="erased_at",
        period="P7Y",
        unreferenced_by=("crm.invoice.account", "crm.usageevent.account", "crm.heldusageevent.account"),
        legal_reason="The bare id of an erased account keeps a restored backup from bringing the person back.",
        max_rows=100_000,
    ),
    Planned(
        slug="holds",
        target="retention.hold",
        anchor="released_at",
        period="P3Y",
        legal_reason=OWN_RECORDS,
    ),
    Planned(
        slug="runs",
        target="retention.run",
        anchor="finished_at",
        period="P7Y",
        legal_reason=OWN_RECORDS,
    ),
    Planned(
        slug="plans",
        target="retention.plan",
        anchor="made_at",
        period="P7Y",
        legal_reason=OWN_RECORDS,
    ),
    Planned(
        slug="requests",
        target="privacy.request",
        anchor="closed_at",
        period="P3Y",
        legal_reason=OWN_RECORDS,
        batch_size=200,
        max_rows=200_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="people",
        target="privacy.person",
        anchor="created_at",
        period="P3Y",
        legal_reason="Somebody who asked is remembered as long as one of their requests is.",
    ),
    Planned(
        slug="packages",
        target="privacy.package",
        anchor="deleted_at",
        period="P14D",
        legal_reason="Shows that a copy was handed out and destroyed, until nobody will ask about the download.",
    ),
    Planned(
        slug="mail",
        target="privacy.inboundmail",
        anchor="settled_at",
        period="P90D",
        legal_reason="Mail that was sorted stays for 90 days, so that a mistake in sorting can be mended.",
    ),
    Planned(
        slug="consent",
        target="consent.consentevent",
        anchor="filed_at",
        period="P5Y",
        action=Rule.Action.DROP_PARTITIONS,
        carry_to="consent.heldconsentevent",
        legal_reason="Consent must be provable (GDPR Art. 7(1)) until claims about it are out of time.",
        batch_size=10_000,
        max_rows=5_000_000,
        max_share=Decimal("0.5"),
    ),
    Planned(
        slug="consent-browsers",
        target="consent.visitoraccount",
        anchor="joined_at",
        period="P5Y",
        legal_reason="Leads from an account to the choices made in its browsers, and is kept as long as these.",
        batch_size=10_000,
    ),
    Planned(
        slug="acceptances",
        target="consent.acceptance",
        anchor="received_at",
        period="P5Y",
        legal_reason="Shows which text an account was told of or accepted, until claims about it are out of time.",
        batch_size=10_000,
    ),
    Planned(
        slug="marketing-choices",
        target="consent.marketingchoice",
        anchor="decided_at",
        period="P5Y",
        legal_reason="Shows what was agreed to and refused (GDPR Art. 7(1)); after five years nobody's yes is fresh.",
        batch_size=10_000,
    ),
    Planned(
        slug="suppression",
        target="consent.suppression",
        anchor="",
        period="",
        action=Rule.Action.KEEP,
        legal_reason="An opt-out holds until the person takes it back; only a keyed hash of the address is stored.",
    ),
    Planned(
        slug="registry-checks",
        target="consent.registrycheck",
        anchor="checked_at",
        period="P2Y",
        legal_reason="Shows that what was declared was looked at; a look of two years ago proves nothing of today.",
    ),
    Planned(
        slug="notice-measurements",
        target="consent.noticemeasurement",
        anchor="measured_at",
        period="P1Y",
        legal_reason="Opens the gate for one publication; what was published keeps its pictures with the notice.",
    ),
    Planned(
        slug="access-log",
        target="staff.accessentry",
        anchor="at",
        period="P2Y",
        legal_reason="Misuse of access is found out within two years, or not from this log any more.",
        batch_size=10_000,
    ),
    Planned(
        slug="absences",
        target="staff.absence",
        anchor="last_day",
        period="P1Y",
        legal_reason="Who stood in for whom is asked while the work of that time is still being looked at.",
    ),
    Planned(
        slug="sessions",
        target="staff.session",
        anchor="expire_date",
        period="P14D",
        legal_reason="A session that has expired is of no use; two weeks help to explain an incident.",
        batch_size=10_000,
    ),
    Planned(
        slug="admin-log",
        target="admin.logentry",
        anchor="action_time",
        period="P2Y",
        legal_reason="Who changed what in the back office is asked within two years, or not of this log any more.",
        batch_size=10_000,
    ),
    Planned(
        slug="api-keys",
        target="staff.apikey",
        anchor="expires_at",
        period="P3Y",
        legal_reason=OWN_RECORDS,
    ),
    Planned(
        slug="webhooks",
        target="privacy.webhookendpoint",
        anchor="off_at",
        period="P3Y",
        legal_reason=OWN_RECORDS,
    ),
    Planned(
        slug="webhook-deliveries",
        target="privacy.webhookdelivery",
        anchor="created_at",
        period="P90D",
        legal_reason="What another system was told can be sent again for three months; then it is of no use.",
        batch_size=10_000,
        max_rows=1_000_000,
    ),
    Planned(
        slug="hand-offs",
        target="privacy.spenthandoff",
        anchor="spent_at",
        period="P1D",
        legal_reason="A hand-off can be used for half an hour; a day later nothing can be opened with it twice.",
        batch_size=10_000,
    ),
    Planned(
        slug="preference-links",
        target="privacy.preferencelink",
        anchor="asked_at",
        period="P2D",
        legal_reason="A link to the preference page works for a day, and the page it opened for two hours.",
        batch_size=10_000,
    ),
    Planned(
        slug="staff-accounts",
        target="staff.user",
        anchor="left_at",
        period="P3Y",
        unreferenced_by=(
            "staff.accessentry.user",
            "staff.apikey.created_by",
            "retention.hold.owner",
            "privacy.webhookendpoint.created_by",
            "privacy.plan.requested_by",
            "privacy.plan.approved_by",
        ),
        legal_reason="Who worked here stays known while what they did can be asked about.",
    ),
)


def install(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Put in force what the database has no rule for; the slugs. Idempotent, also when two processes do it at once."""
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('retention schedule', 0))")
        known = set(Rule.objects.using(using).values_list("slug", flat=True))
        missing = [planned for planned in FIRST_SCHEDULE if planned.slug not in known]
        with publication(using):  # the first schedule is what the first published policy tells of
            Rule.objects.using(using).bulk_create(_rule(planned) for planned in missing)
        slugs = [planned.slug for planned in missing]
        if slugs and using == router.db_for_write(Rule):
            record(RULES_INSTALLED.name, actor="system:migrate", rules=slugs)
    return slugs


def _rule(planned: Planned) -> Rule:
    return Rule(
        slug=planned.slug,
        target=planned.target,
        anchor=planned.anchor,
        period=planned.period,
        action=planned.action,
        carry_to=planned.carry_to,
        fields=list(planned.fields),
        unreferenced_by=list(planned.unreferenced_by),
        legal_reason=planned.legal_reason,
        policy_section=planned.policy_section,
        batch_size=planned.batch_size,
        max_rows=planned.max_rows,
        max_share=planned.max_share,
        state=Rule.State.ACTIVE,
        effective_from=IN_FORCE_FROM,
    )


def install_after_migrate(sender: AppConfig, *, using: str, plan: Any = None, **kwargs: Any) -> None:
    """Receiver of post_migrate. A migration back to nothing takes the tables away, and then there is no schedule."""
    tables = connections[using].introspection.table_names()
    needed = (Rule._meta.db_table, apps.get_model("ledger.Entry")._meta.db_table)
    if router.allow_migrate_model(using, Rule) and all(table in tables for table in needed):
        install(using)
