"""The root of every error this product raises on purpose.

What could go wrong: an error that only a programmer understands reaches staff, or one that quotes the offending
value puts a person's data into a log. So every error says in plain words what happened, says what to do about it
(`remedy`), carries a stable `code` for machines, and never repeats the data it complains about.
"""

from typing import Any

from django.utils.functional import Promise


class CrasmeError(Exception):
    """Base of each room's own error class; the admin shows it, the API answers with it, a task parks with its code.

    `code` is a slug that never changes (metrics, `last_error`, problem responses); `remedy` is one sentence, or "".
    Subclasses set both as class attributes; a raise may give more exact ones.
    """

    code: str = "error"
    remedy: str | Promise = ""

    def __init__(self, message: Any, *, code: str | None = None, remedy: str | Promise | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if remedy is not None:
            self.remedy = remedy

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
