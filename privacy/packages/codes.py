"""What stands in a row as a code without choices of its own, in words, for the page of a copy.

What could go wrong: a code that this version has no words for (it is shown as it stands in the file beside), or one
that is also somebody's own word (codes are told apart by the name of their column or key, never by themselves).
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _now, gettext_lazy as _

from consent import registry, topics
from consent.models import Basis, Channel
from consent.models.suppression import ALL_MARKETING
from crasme.kit import datamap
from privacy.models import Request, WebhookEndpoint
from privacy.particulars import CONSENTS, GROUND, PURPOSE, SCOPE, Question
from privacy.services.acceptance import DOCUMENT
from privacy.services.copies import NOT_AWAITED

# Columns whose values are by topic and channel: the code is the column's, whatever key it stands under.
BY_CELL: Final = frozenset({"basis"})

_ACTORS: Final[dict[str, Promise]] = {
    "staff": _("a colleague"),
    "person": _("the person"),
    "customer": _("the customer"),
    "representative": _("the representative"),
    "system": _("the system"),
    "key": _("another system"),
}
_KEYS: Final[dict[str, Promise]] = {
    "query": _("Searched for"),
    "stage": _("Stage"),
    "theme": _("Colours"),
    "density": _("Density"),
    "purpose": _("Purpose"),
    "scope": _("Marketing"),
    "ground": _("Reason"),
    "what": _("Consent"),
    NOT_AWAITED: _("Copies that are not waited for"),
    "title": _("Title"),
}


def _answers(question: Question) -> dict[str, Promise]:
    return {code: answer.words for code, answer in question.answers.items()}


_VALUES: Final[dict[str, Mapping[str, Promise | str]]] = {
    "scopes": {"gmail.metadata": _("sender, recipients and time of mails, not what they say")},
    "theme": {"dark": _("dark"), "light": _("light")},
    "density": {"comfortable": _("comfortable"), "compact": _("compact")},
    "stage": {"open": _("open"), "won": _("won"), "lost": _("lost")},
    "document": {DOCUMENT: _("privacy policy")},
    "basis": {str(each.value): each.label for each in Basis},
    "suggested_kinds": {str(each.value): each.label for each in Request.Kind},
    "event": {str(each.value): each.label for each in WebhookEndpoint.Event},
    "ground": _answers(GROUND),
    "purpose": _answers(PURPOSE),
    "what": _answers(CONSENTS),
}


def key(name: str) -> str | None:
    """What a key inside a value is called: a topic and its channel, a category of cookies; None for any other."""
    scope, _dot, channel = name.rpartition(".")
    topic = f"{ALL_MARKETING}.{scope}"
    if channel in Channel.values and topics.is_known(topic):
        return f"{topics.title(topic)}, {Channel(channel).label}"
    for category, _cookies in registry.in_force().rows:
        if category.slug == name:
            return str(category.text("title"))
    return str(_KEYS[name]) if name in _KEYS else None


def value(name: str, code: str) -> str | None:
    """What a code means under this name of a column or key; None for everything that is none."""
    if name in _SPOKEN:
        return _SPOKEN[name](code)
    found = _VALUES.get(name, {})
    return str(found[code]) if code in found else None


def _scope(code: str) -> str | None:
    if code in SCOPE.answers:
        return str(SCOPE.answers[code].words)
    return topics.title(code) if topics.is_known(code) else None


def _actor(code: str) -> str | None:
    words = _ACTORS.get(code.partition(":")[0]) if ":" in code else None
    return None if words is None else str(words)


def _table(label: str) -> str | None:
    covered = datamap.covers(label)
    return _now(covered.title) if isinstance(covered, datamap.Table) else None


def _field(name: str) -> str | None:
    """Of a correction: a field of the person's own account."""
    covered = datamap.covers("crm.account")
    declared = covered.fields.get(name) if isinstance(covered, datamap.Table) else None
    return _now(declared.meaning) if declared is not None else None


_SPOKEN: Final[dict[str, Callable[[str], str | None]]] = {
    "scope": _scope,
    "label": _table,
    "field": _field,
    **dict.fromkeys(("opened_by", "closed_by", "placed_by", "released_by"), _actor),
}
