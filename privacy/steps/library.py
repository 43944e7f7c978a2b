"""All handlers, loaded. Whoever runs steps imports them from here."""

from privacy.steps import answer, collect, execute, locate, package, plan, stop, verify
from privacy.steps.handlers import handler_of

__all__ = ["answer", "collect", "execute", "handler_of", "locate", "package", "plan", "stop", "verify"]
