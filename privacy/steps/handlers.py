"""What a handler gets and gives, and which handler does which step.

A handler is a function `(Job) -> Done`. It may read, and make files that nothing refers to yet, for as long as the
lease runs; it may be run again from the start after a crash. What must happen exactly once goes into `Done.effect`:
that runs in the one transaction that also ends the step, with the request locked, or not at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crasme.kit.errors import CrasmeError
from privacy.errors import NoHandler
from privacy.models import Request, Step


@dataclass(frozen=True, slots=True)
class Job:
    step: Step
    request: Request
    now: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """`result` holds counts and ids, never values; what `effect` returns, if anything, is added to it."""

    result: dict[str, Any] = field(default_factory=dict)
    effect: Callable[[Request], dict[str, Any] | None] | None = None


Handler = Callable[[Job], Done]
# Does many steps at once, each with an outcome of its own; in the order in which they are given.
Together = Callable[[Sequence[Job]], Sequence[Done | CrasmeError]]
_handlers: dict[tuple[str, str], Handler] = {}
_together: dict[tuple[str, str], Together] = {}


def handles(step: str, *, kind: str = "") -> Callable[[Handler], Handler]:
    """Register a handler for a step, of every kind of request or of one."""

    def register(handler: Handler) -> Handler:
        _handlers[step, kind] = handler
        return handler

    return register


def handles_together(step: str, *, kind: str) -> Callable[[Together], Together]:
    """Register a handler for many steps of one kind of request at once, and thereby for one."""

    def register(handler: Together) -> Together:
        _together[step, kind] = handler

        @handles(step, kind=kind)
        def alone(job: Job) -> Done:
            (outcome,) = handler([job])
            if isinstance(outcome, CrasmeError):
                raise outcome
            return outcome

        return handler

    return register


def together_of(step: Step, request: Request) -> Together:
    """The handler for many such steps at once. NoHandler when they are done one by one."""
    found = _together.get((step.kind, request.kind))
    if found is None:
        raise NoHandler(_("Nothing here knows how to do many steps “%(step)s” at once.") % {"step": step.kind})
    return found


def handler_of(step: Step, request: Request) -> Handler:
    """The most exact one. NoHandler when no code does this step."""
    found = _handlers.get((step.kind, request.kind)) or _handlers.get((step.kind, ""))
    if found is None:
        raise NoHandler(_("Nothing here knows how to do the step “%(step)s”.") % {"step": step.kind})
    return found
