"""All handlers, loaded. Whoever runs steps imports them from here."""

from privacy.steps import (
    answer,
    child,
    collect,
    correct,
    execute,
    locate,
    notify,
    package,
    plan,
    restrict,
    stop,
    verify,
)
from privacy.steps.handlers import handler_of, together_of

__all__ = [
    "answer",
    "child",
    "collect",
    "correct",
    "execute",
    "handler_of",
    "locate",
    "notify",
    "package",
    "plan",
    "restrict",
    "stop",
    "together_of",
    "verify",
]
