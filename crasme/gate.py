"""The doors of the restore gate: while it is shut, pages answer 503, tasks wait and commands that work refuse.

Whether it is shut, and why, is for `retention.gate` to say. What could go wrong: a door without a guard. So a new
command or task is guarded unless it is named here, and probes are the only addresses that answer.
"""

import json
import logging
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import celery
from django.core.management import CommandError, get_commands
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from retention import gate
from retention.errors import GateShut

logger = logging.getLogger(__name__)

RETRY_AFTER: Final = 120  # seconds, for browsers and for tasks
FOR_DAYS: Final = 10_000  # times that a task is put off: as long as a restore may take
# Probes say that the process lives and why it is not ready; figures carry the alarm. Neither shows a row.
ANSWERS: Final = ("/health/", "/metrics")
OURS: Final = ("crasme", "consent", "privacy", "retention")
# Commands of ours that only read, or bring the database back in order; with their first words where that matters.
ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "backups": (),
    "erasures": (),
    "faults": (),
    "languages": (),
    "promises": (),
    "requests": ("clock",),
    "retention": ("explain", "plan", "prove"),
}


class RestoreGate:
    """Middleware, above everything that would ask the database about somebody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Probes first: the gate asks the database, and a process is alive without it.
        if request.path.startswith(ANSWERS) or gate.is_open():
            return self.get_response(request)
        return _shut(request)


def _shut(request: HttpRequest) -> HttpResponse:
    words = _("We are bringing our data back in order after a disturbance. Please try again in a few minutes.")
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
    content, kind = f"{words}\n", "text/plain; charset=utf-8"
    if request.path.startswith("/api/"):
        problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": words}
        content, kind = json.dumps(problem | {"code": GateShut.code}), "application/problem+json"
    answer = HttpResponse(content, status=status, headers=headers, content_type=kind)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # the gate has said it once; not for each visitor
    return answer


class GatedTask(celery.Task):
    """Every task of this house. A message is a wake-up: a tick that comes in vain is made up for by the next one, and
    what a message was about is asked again later."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if gate.is_open():
            return super().__call__(*args, **kwargs)
        logger.warning("%s waits: the restore gate is shut.", self.name)
        if not (args or kwargs):
            return None
        raise self.retry(countdown=RETRY_AFTER, max_retries=FOR_DAYS)


def require_open_for(arguments: list[str]) -> None:
    """Called by manage.py before a command runs: CommandError when it would work on a database that may not be."""
    name, *rest = [*arguments, "help"]
    if str(get_commands().get(name, "")).split(".")[0] not in OURS or {"-h", "--help"} & set(rest):
        return
    allowed = ALLOWED.get(name)
    if allowed is not None and (not allowed or rest[0] in allowed):
        return
    try:
        gate.require_open()
    except Exception as error:
        if {"receive-mail", "--stdin"} <= set(arguments):
            # A mail server sends a mail back on anything but this; so it keeps it, and tries again.
            raise SystemExit(os.EX_TEMPFAIL) from error
        if isinstance(error, GateShut):
            raise CommandError(str(error)) from None
        raise
