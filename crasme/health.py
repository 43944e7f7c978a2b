"""Is this process alive, can it serve, and what do its figures say.

`/health/live/`: the process answers (restart it when it does not). `/health/ready/`: database, migrations and broker
are there, and the database lacks no erasure (send it no visitors while it says 503). What could go wrong: a probe that
hangs with what it probes (each check has its own time limit and its own connection), or one that tells strangers about
the inside (names of checks and of error classes only; figures need a key outside development).
"""

import functools
import time
from collections.abc import Callable

import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crasme import broker, metrics as figures
from retention import gate, runway

LIMIT_SECONDS = 2
# Of OPTIONS, what Django keeps to itself; everything else is the driver's (sslmode, sslrootcert, …).
NOT_FOR_THE_DRIVER = {"assume_role", "isolation_level", "pool", "server_side_binding"}

# Partitioned tables whose last month begins too soon; gaps are seen by the figures and on the overview.
SHORT_RUNWAYS = r"""
SELECT count(*) FROM (
    SELECT max((regexp_match(pg_get_expr(child.relpartbound, child.oid), 'TO \(''(.+?)''\)'))[1]::timestamptz) AS until
    FROM pg_partitioned_table
    LEFT JOIN pg_inherits ON inhparent = partrelid
    LEFT JOIN pg_class child ON child.oid = inhrelid
    WHERE partstrat = 'r' GROUP BY partrelid
) AS runways WHERE until IS NULL OR until < date_trunc('month', now() + %s::interval)
"""


class NotReady(Exception):
    """A check's own reason, in one word that may be shown to anybody."""


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all; asks nothing of anybody else."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every check passes, else 503: `{"status": …, "checks": {name: {"ok": bool, "ms": int, "error": …}}}`.
    `warnings` names what needs a person soon."""
    checks = {name: _outcome(check) for name, check in CHECKS.items()}
    well = all(outcome["ok"] for outcome in checks.values())
    answer = {"status": "ready" if well else "not ready", "checks": checks, "warnings": _warnings()}
    return JsonResponse(answer, status=200 if well else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures in the Prometheus text format; with DEBUG off they need `Authorization: Bearer <METRICS_TOKEN>`."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.DEBUG and not (settings.METRICS_TOKEN and constant_time_compare(given, settings.METRICS_TOKEN)):
        return HttpResponse("Set METRICS_TOKEN and send it as a bearer token.\n", status=403, content_type="text/plain")
    return HttpResponse(figures.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _outcome(check: Callable[[], None]) -> dict[str, bool | int | str]:
    begun = time.monotonic()
    try:
        check()
    except (psycopg.Error, redis.RedisError, OSError, NotReady) as error:
        reason = str(error) if isinstance(error, NotReady) else type(error).__name__
        return {"ok": False, "ms": _since(begun), "error": reason}
    return {"ok": True, "ms": _since(begun)}


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _database() -> psycopg.Connection:
    """As Django connects, by the same DATABASE_URL with its options, but never for long."""
    wanted = connection.settings_dict
    options = {name: value for name, value in wanted["OPTIONS"].items() if name not in NOT_FOR_THE_DRIVER}
    session = f"{options.pop('options', '')} -c statement_timeout={LIMIT_SECONDS}s"
    return psycopg.connect(
        host=wanted["HOST"] or None,
        port=wanted["PORT"] or None,
        dbname=wanted["NAME"],
        user=wanted["USER"] or None,
        password=wanted["PASSWORD"] or None,
        autocommit=True,
        **options | {"connect_timeout": LIMIT_SECONDS, "options": session},
    )


def _answers() -> None:
    with _database() as link:
        link.execute("SELECT 1")


def _migrated() -> None:
    with _database() as link:
        if link.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
            raise NotReady("unmigrated")
        applied = set(link.execute("SELECT app, name FROM django_migrations").fetchall())
    if not _last_migrations() <= applied:
        raise NotReady("unapplied-migrations")


@functools.cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """The newest migration of every app, from the files; it cannot change while this process lives."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _restored() -> None:
    with _database() as link:
        if link.execute("SELECT to_regclass('retention_erasurehead')").fetchone() == (None,):
            raise NotReady("unmigrated")
        found = gate.look(gate.outside_of_django(link))
    # As the pages do: a disk that is away for a moment is no reason to send visitors away from every host at once.
    if not found.is_open and not gate.is_patient(found):
        raise NotReady(f"erasures-{found.state}")


def _warnings() -> list[str]:
    """What needs a person soon and is no reason to send visitors away."""
    try:
        with _database() as link:
            (short,) = link.execute(SHORT_RUNWAYS, [f"{runway.SHORT} months"]).fetchone() or (0,)
    except psycopg.Error:
        return []  # the check of the database says so
    return ["partitions-run-out"] if short else []


def _broker() -> None:
    with broker.client() as client:
        client.ping()


CHECKS: dict[str, Callable[[], None]] = {
    "database": _answers,
    "migrations": _migrated,
    "restore": _restored,
    "broker": _broker,
}
