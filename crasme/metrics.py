"""What Prometheus is told: figures computed from PostgreSQL and the broker at the moment they are asked for.

Processes come and go and keep no counters of their own, so nothing is lost with them and nothing has to be merged.
What could go wrong: one figure fails and takes the others with it. Each is read for itself; a failure is a figure too
(`crasme_gauge_failed`), and the rest is still answered. Rooms add their own in their `metrics.py` (see kit.gauges).
"""

import logging
from collections.abc import Iterable, Iterator

import redis
from django.apps import apps
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules
from django_celery_beat.models import PeriodicTask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from crasme import broker
from crasme.kit import gauges
from crasme.kit.claims import Claimable

logger = logging.getLogger(__name__)
QUEUES = ("celery", "clock", "mail", "export", "erasure", "retention", "webhooks")


def exposition() -> bytes:
    """The answer to /metrics, in the Prometheus text format."""
    autodiscover_modules("metrics")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rooms())
    return generate_latest(registry)


class _Rooms(Collector):
    def collect(self) -> Iterator[Metric]:
        failed = GaugeMetricFamily("crasme_gauge_failed", "1 when a figure could not be read", labels=("gauge",))
        for gauge in gauges.known():
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=gauge.labels)
            try:
                with transaction.atomic():  # a failing query must not spoil the next one's transaction
                    samples = gauge.samples()
            except (Error, redis.RedisError, OSError, ValueError) as error:
                logger.error(  # noqa: TRY400  (a traceback may quote values)
                    "The figure %s could not be read: %s", gauge.name, type(error).__name__
                )
                failed.add_metric((gauge.name,), 1)
                continue
            for labels, value in samples:
                family.add_metric(labels, value)
            failed.add_metric((gauge.name,), 0)
            yield family
        yield failed


@gauges.gauge("crasme_database_bytes", "Size of the database on disk")
def database_bytes() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return float(cursor.fetchone()[0])


@gauges.gauge("crasme_database_oldest_transaction_seconds", "Age of the oldest open transaction of another session")
def oldest_transaction() -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return float(cursor.fetchone()[0])


@gauges.gauge("crasme_work_rows", "Pieces of work in the database by table and state", labels=("table", "state"))
def work_rows() -> Iterable[tuple[tuple[str, ...], float]]:
    for model in apps.get_models():
        if issubclass(model, Claimable):
            counted = model._default_manager.values_list("state").annotate(rows=Count("pk")).order_by("state")
            for state, rows in counted:
                yield (model._meta.label_lower, state), rows


@gauges.gauge("crasme_broker_messages", "Messages that wait in the broker, by queue", labels=("queue",))
def broker_messages() -> Iterable[tuple[tuple[str, ...], float]]:
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    with broker.client() as client:
        lengths = client.pipeline(transaction=False)
        for queue in QUEUES:
            lengths.llen(f"{prefix}{queue}")
        yield from zip(((queue,) for queue in QUEUES), map(float, lengths.execute()), strict=True)


@gauges.gauge("crasme_beat_silence_seconds", "Age of what beat sent last; -1 when it never sent anything")
def beat_silence() -> float:
    last = PeriodicTask.objects.filter(enabled=True, last_run_at__isnull=False).order_by("-last_run_at")
    moment = last.values_list("last_run_at", flat=True).first()
    return -1.0 if moment is None else (timezone.now() - moment).total_seconds()
