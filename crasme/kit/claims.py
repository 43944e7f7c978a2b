"""Work as rows: PostgreSQL is the queue of record, a lease says who is working on a row right now.

What could go wrong: the broker delivers a message twice, or never; a worker dies in the middle, or is so slow that
another has begun; a poisonous row kills every worker that touches it. So a row is taken by one conditional UPDATE
with a fresh token, only the holder of that token may end it, and only while the lease runs; a lapsed lease may be
taken over; every attempt counts when it begins, so a killer parks too; a parked row waits, visibly, for a person.

Commit a claim before doing the work (claim outside the work's transaction), and end the row in the same transaction as
the work's own writes: then LeaseLost rolls them back.
"""

import re
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import connections, models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.errors import CrasmeError
from crasme.kit.statements import changed, executed

_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


class ClaimError(CrasmeError):
    code = "claim"


class LeaseLost(ClaimError):
    code = "lease-lost"
    remedy = "Drop this attempt's result: whoever holds the lease now does the work."


class NotParked(ClaimError):
    code = "not-parked"


class WorkState(models.TextChoices):
    DUE = "due", _("Due")
    LEASED = "leased", _("In work")
    DONE = "done", _("Done")
    PARKED = "parked", _("Parked")
    CANCELLED = "cancelled", _("Cancelled")


class ClaimableQuerySet(models.QuerySet[Any]):
    def due(self, now: datetime) -> Self:
        """Waiting, and the time to try (again) has come."""
        return self.filter(state=WorkState.DUE, next_attempt_at__lte=now)

    def lapsed(self, now: datetime) -> Self:
        """Taken, but the lease ran out: the worker died, or is too slow to be believed."""
        return self.filter(state=WorkState.LEASED, lease_until__lte=now)

    def claimable(self, now: datetime) -> Self:
        """What a sweep should hand to workers: due or lapsed."""
        return self.filter(
            Q(state=WorkState.DUE, next_attempt_at__lte=now) | Q(state=WorkState.LEASED, lease_until__lte=now)
        )

    def parked(self) -> Self:
        """Given up on after too many attempts; a person looks, then `redrive`s or `cancel`s."""
        return self.filter(state=WorkState.PARKED)

    def unfinished(self) -> Self:
        return self.exclude(state__in=(WorkState.DONE, WorkState.CANCELLED))


class Claimable(models.Model):
    """Mix into a model whose rows are pieces of work. A subclass's Meta inherits `Claimable.Meta`, and adds its own
    indexes and constraints to the inherited ones: `indexes = [*Claimable.Meta.indexes, …]`.
    """

    state = models.CharField(_("state"), max_length=16, choices=WorkState.choices, default=WorkState.DUE)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=64, blank=True, default="")
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ClaimableQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state=WorkState.DUE), name="%(app_label)s_%(class)s_due"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state=WorkState.LEASED), name="%(app_label)s_%(class)s_lease"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state=WorkState.LEASED, lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state=WorkState.LEASED) & Q(lease_token__isnull=True, lease_until__isnull=True)),
                name="%(app_label)s_%(class)s_lease_iff_leased",
                violation_error_message=_("Work carries a lease exactly while somebody works on it."),
            ),
            models.CheckConstraint(
                condition=Q(attempts__gte=0),
                name="%(app_label)s_%(class)s_attempts",
                violation_error_message=_("Attempts are counted from zero."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=(WorkState.DONE, WorkState.CANCELLED), finished_at__isnull=False)
                | (~Q(state__in=(WorkState.DONE, WorkState.CANCELLED)) & Q(finished_at__isnull=True)),
                name="%(app_label)s_%(class)s_finished_iff_over",
                violation_error_message=_("Work has an end exactly when it is done or cancelled."),
            ),
        ]


def claim[T: Claimable](model: type[T], pk: Any, *, now: datetime, lease: timedelta, **only: Any) -> T | None:
    """Take one due or lapsed row for `lease`, counting the attempt; None when somebody else has it or nothing is due.

    `only` names columns and the values that they must have. One statement, so of any number of callers one wins.
    """
    using = router.db_for_write(model)
    quote = connections[using].ops.quote_name
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk.column))
    further = "".join(f" AND {quote(_field(model, name).column)} = %s" for name in only)
    leased = WorkState.LEASED.value
    rows = changed(
        model,
        f"UPDATE {table} SET state = %s, lease_token = %s, lease_until = %s, attempts = attempts + 1"  # noqa: S608
        f" WHERE {key} = %s{further}"
        " AND ((state = %s AND next_attempt_at <= %s) OR (state = %s AND lease_until <= %s))",
        [leased, uuid.uuid4(), now + lease, pk, *only.values(), WorkState.DUE.value, now, leased, now],
        using,
    )
    return next(iter(rows), None)


def extend[T: Claimable](obj: T, *, now: datetime, lease: timedelta) -> T:
    """A sign of life from long work: the lease runs anew from `now`. LeaseLost when it has run out already."""
    return _end(obj, now=now, state=WorkState.LEASED, lease_token=obj.lease_token, lease_until=now + lease)


def finish[T: Claimable](obj: T, *, now: datetime, **results: Any) -> T:
    """The work is done; `results` are further columns to set in the same statement. LeaseLost when it came too late."""
    return _end(obj, now=now, state=WorkState.DONE, finished_at=now, last_error="", **_NO_LEASE, **results)


def retry_or_park[T: Claimable](obj: T, error_code: str, *, now: datetime, max_attempts: int) -> T:
    """This attempt failed: due again after a growing pause, or parked when it was the last one allowed.

    `error_code` is a slug of the code, never a message: messages quote data. LeaseLost as for `finish`.
    """
    if not _CODE.fullmatch(error_code):
        raise ValueError("An error code is a short slug (a-z, 0-9, dot, dash), never a message.")
    if obj.attempts >= max_attempts:
        return _end(obj, now=now, state=WorkState.PARKED, last_error=error_code, **_NO_LEASE)
    later = now + pause_after(obj.attempts)
    return _end(obj, now=now, state=WorkState.DUE, next_attempt_at=later, last_error=error_code, **_NO_LEASE)


def park_exhausted(model: type[Claimable], *, now: datetime, max_attempts: int) -> int:
    """Park lapsed rows that have used up their attempts: whatever kills its workers must not do so for ever."""
    return model._base_manager.filter(state=WorkState.LEASED, lease_until__lte=now, attempts__gte=max_attempts).update(
        state=WorkState.PARKED, last_error="lease-lapsed", **_NO_LEASE
    )


def redrive[T: Claimable](obj: T, *, now: datetime) -> T:
    """A person has looked: the parked row is due at once, with all its attempts again. NotParked otherwise."""
    changes = {"state": WorkState.DUE, "attempts": 0, "next_attempt_at": now}
    if not type(obj)._base_manager.filter(pk=obj.pk, state=WorkState.PARKED).update(**changes):
        raise NotParked(_("Only parked work can be put back into the queue."))
    return _applied(obj, changes)


def cancel[T: Claimable](obj: T, *, now: datetime) -> bool:
    """Nobody wants it any more; a worker that holds it will get LeaseLost. False when it was over already."""
    changes = {"state": WorkState.CANCELLED, "finished_at": now, **_NO_LEASE}
    over = (WorkState.DONE, WorkState.CANCELLED)
    cancelled = type(obj)._base_manager.filter(pk=obj.pk).exclude(state__in=over).update(**changes)
    if cancelled:
        _applied(obj, changes)
    return bool(cancelled)


def pause_after(attempts: int) -> timedelta:
    """30 s after the first failed attempt, twice as long after each further one, at most an hour."""
    doublings = min(max(attempts, 1) - 1, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


_NO_LEASE: dict[str, None] = {"lease_token": None, "lease_until": None}


def _end[T: Claimable](obj: T, *, now: datetime, **changes: Any) -> T:
    """By plain SQL, as in `claim`: every piece of work ends here."""
    model = type(obj)
    using = router.db_for_write(model)
    connection = connections[using]
    quote = connection.ops.quote_name
    fields = [_field(model, name) for name in changes]
    values = [
        field.get_db_prep_save(value, connection=connection)
        for field, value in zip(fields, changes.values(), strict=True)
    ]
    # Without a token this asks for a leased row that has none, which the constraints make impossible: nothing is held.
    held = [obj.pk, WorkState.LEASED.value, obj.lease_token, now]
    sql = (
        f"UPDATE {quote(model._meta.db_table)} SET {', '.join(f'{quote(field.column)} = %s' for field in fields)}"  # noqa: S608
        f" WHERE {quote(str(model._meta.pk.column))} = %s AND state = %s AND lease_token = %s AND lease_until > %s"
    )
    with executed(sql, [*values, *held], using) as cursor:
        if not cursor.rowcount:
            raise LeaseLost(_("The lease on this work has run out or belongs to somebody else."))
    return _applied(obj, changes)


def _field(model: type[Claimable], name: str) -> Any:
    """One of the model's columns."""
    return model._meta.get_field(name)


def _applied[T: Claimable](obj: T, changes: dict[str, Any]) -> T:
    for name, value in changes.items():
        setattr(obj, name, value)
    return obj
