"""Turning a row of the state table into a method of `Request`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed, transition

from privacy.errors import MoveNotAllowed
from privacy.states import MOVES


def move(field: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a method named as a move: it runs only from the move's sources, then the state is the target.

    Raises MoveNotAllowed. The caller holds the row's lock and saves it.
    """

    def decorate(method: Callable[..., None]) -> Callable[..., None]:
        found = MOVES[method.__name__]
        moving = transition(field=field, source=[source.value for source in found.sources], target=found.target.value)(
            method
        )

        @wraps(moving)
        def checked(self: Any, *args: Any, **kwargs: Any) -> None:
            try:
                moving(self, *args, **kwargs)
            except TransitionNotAllowed:
                raise MoveNotAllowed(
                    _("This request is “%(state)s”; that cannot be done now.") % {"state": self.get_state_display()}
                ) from None

        return checked

    return decorate
