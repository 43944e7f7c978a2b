"""What a rule's action does to rows, in words, and what of it is for good.

What could go wrong: somebody approves that "rows are deleted" where one field is emptied, or the other way round. So
every action has its own words, with the forms of their number.
"""

from collections.abc import Callable
from typing import Final

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy as lazily, ngettext

from retention import wording
from retention.models import Rule

Action = Rule.Action


def would(action: str, rows: int, *, shown: str = "") -> str:
    """ "12 rows would be deleted"; `shown` in place of the number, such as "more than 100,000"."""
    return _WOULD[action](rows) % {"rows": shown or f"{rows:,}"}


def did(action: str, rows: int) -> str:
    """ "12 rows were deleted"."""
    return _DID[action](rows) % {"rows": f"{rows:,}"}


def done(action: str) -> str:
    """Beside a number: "deleted"."""
    return str(_DONE[action])


def to_do(action: str) -> str:
    """Beside a number: "still to be deleted"."""
    return str(_OPEN[action])


def asked(rule: Rule, rows: int, *, before: str, most: str) -> str:
    """What an approval is asked for: how many rows of which table, dated before when, and how many at most."""
    said = {"would": would(rule.action, rows), "table": wording.table(rule.target), "cutoff": before, "most": most}
    return str(capfirst(_("of %(table)s dated before %(cutoff)s UTC, %(would)s; %(most)s at most.") % said))


def for_good(action: str) -> str:
    """What cannot be taken back."""
    return str(_FOR_GOOD[action])


_WOULD: Final[dict[str, Callable[[int], str]]] = {
    Action.DELETE: lambda n: ngettext("%(rows)s row would be deleted", "%(rows)s rows would be deleted", n),
    Action.ERASE_ACCOUNT: lambda n: ngettext(
        "%(rows)s account would be erased", "%(rows)s accounts would be erased", n
    ),
    Action.DELETE_FILES: lambda n: ngettext("%(rows)s copy would be deleted", "%(rows)s copies would be deleted", n),
    Action.BLANK: lambda n: ngettext(
        "fields of %(rows)s row would be emptied", "fields of %(rows)s rows would be emptied", n
    ),
    Action.UNLINK: lambda n: ngettext("%(rows)s row would lose its link", "%(rows)s rows would lose their link", n),
    Action.ANONYMISE: lambda n: ngettext("%(rows)s row would be anonymised", "%(rows)s rows would be anonymised", n),
    Action.KEEP: lambda n: ngettext("%(rows)s row would be kept", "%(rows)s rows would be kept", n),
}
_DID: Final[dict[str, Callable[[int], str]]] = {
    Action.DELETE: lambda n: ngettext("%(rows)s row was deleted", "%(rows)s rows were deleted", n),
    Action.ERASE_ACCOUNT: lambda n: ngettext("%(rows)s account was erased", "%(rows)s accounts were erased", n),
    Action.DELETE_FILES: lambda n: ngettext("%(rows)s copy was deleted", "%(rows)s copies were deleted", n),
    Action.BLANK: lambda n: ngettext("fields of %(rows)s row were emptied", "fields of %(rows)s rows were emptied", n),
    Action.UNLINK: lambda n: ngettext("%(rows)s row lost its link", "%(rows)s rows lost their link", n),
    Action.ANONYMISE: lambda n: ngettext("%(rows)s row was anonymised", "%(rows)s rows were anonymised", n),
    Action.KEEP: lambda n: ngettext("%(rows)s row was kept", "%(rows)s rows were kept", n),
}
_DONE: Final[dict[str, Promise]] = {
    Action.DELETE: lazily("deleted"),
    Action.DROP_PARTITIONS: lazily("deleted"),
    Action.ERASE_ACCOUNT: lazily("erased"),
    Action.DELETE_FILES: lazily("deleted"),
    Action.BLANK: lazily("fields emptied"),
    Action.UNLINK: lazily("link cut"),
    Action.ANONYMISE: lazily("anonymised"),
    Action.KEEP: lazily("kept"),
}
_OPEN: Final[dict[str, Promise]] = {
    Action.DELETE: lazily("still to be deleted"),
    Action.DROP_PARTITIONS: lazily("still to be deleted"),
    Action.ERASE_ACCOUNT: lazily("still to be erased"),
    Action.DELETE_FILES: lazily("still to be deleted"),
    Action.BLANK: lazily("fields still to be emptied"),
    Action.UNLINK: lazily("link still to be cut"),
    Action.ANONYMISE: lazily("still to be anonymised"),
    Action.KEEP: lazily("kept"),
}
for _words in (_WOULD, _DID):
    _words[Action.DROP_PARTITIONS] = _words[Action.DELETE]  # how it is done is nobody's concern here
_FOR_GOOD: Final[dict[str, Promise]] = {
    Action.DELETE: lazily("Deleted rows do not come back."),
    Action.DROP_PARTITIONS: lazily("Deleted rows do not come back."),
    Action.ERASE_ACCOUNT: lazily("Erased accounts do not come back."),
    Action.DELETE_FILES: lazily("Deleted copies do not come back."),
    Action.BLANK: lazily("The rows stay; what stood in the emptied fields does not come back."),
    Action.UNLINK: lazily("The rows stay; a link that was cut is not made again."),
    Action.ANONYMISE: lazily("The rows stay; nobody can find out again whose they were."),
    Action.KEEP: lazily("Nothing ends."),
}
