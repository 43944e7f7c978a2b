"""The task queue. A message is a wake-up and nothing more: it carries an id, and PostgreSQL says what is to be done."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crasme.settings")

app = Celery("crasme", task_cls="crasme.gate:GatedTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
