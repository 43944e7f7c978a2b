"""Answers that are read once for a moment's work and not again for each piece of it.

A worker that makes fifty copies in two seconds reads the published policy once: each copy says what held a moment ago,
as it would if it had been made a moment earlier. Outside such a moment nothing is remembered, so a page, a test or a
single task always reads anew.

What could go wrong: something is remembered that must not be older than its transaction. So whoever decides anything
(holds, plans, periods that end rows) does not use it; it is for what is merely told.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

_moment: ContextVar[dict[Any, Any] | None] = ContextVar("moment", default=None)


@contextmanager
def moment() -> Iterator[None]:
    """A piece of work of seconds at most; within it `remembered` functions are called once a key."""
    token = _moment.set({})
    try:
        yield
    finally:
        _moment.reset(token)


def remembered[**P, T](key: Callable[P, Hashable]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a function whose answer nobody changes: equal keys of its arguments have the same answer for a moment.

    An instant need not be part of the key: any of the moment's is as good as another.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def answer(*args: P.args, **kwargs: P.kwargs) -> T:
            known = _moment.get()
            if known is None:
                return function(*args, **kwargs)
            name = (function, key(*args, **kwargs))
            if name not in known:
                known[name] = function(*args, **kwargs)
            return known[name]  # type: ignore[no-any-return]

        return answer

    return decorate
