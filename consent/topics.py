"""The topics of marketing, as every gate and page reads them: held in the process for half a minute.

What could go wrong: a topic that was declared a moment ago is unknown to another process and mail about it fails. So
what is not known is looked up once more before it is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from consent.errors import UnknownScope
from consent.models import Basis, Channel, Suppression, Topic
from consent.models.suppression import ALL_MARKETING
from consent.remembered import Remembered

EVERY: Final = ""  # every channel


@dataclass(frozen=True, slots=True)
class Cell:
    """One topic by one channel: the smallest thing that somebody can want or not want."""

    slug: str
    channel: str
    basis: str

    @property
    def name(self) -> str:
        """As it stands in forms and records: "announcements.email"."""
        return f"{self.slug}.{self.channel}"

    @property
    def scope(self) -> str:
        return f"{ALL_MARKETING}.{self.slug}"

    @property
    def needs_consent(self) -> bool:
        return self.basis == Basis.CONSENT

    def is_refused_by(self, rows: Iterable[Suppression]) -> bool:
        return any(covers(row, self) for row in rows)


def covers(row: Suppression, cell: Cell) -> bool:
    return row.scope in (ALL_MARKETING, cell.scope) and row.channel in (EVERY, cell.channel)


def all_topics() -> tuple[Topic, ...]:
    """Those given up included."""
    return _held.get()


def offered() -> list[Topic]:
    return [topic for topic in all_topics() if topic.active]


def cells() -> Iterator[Cell]:
    """Everything that is sent at all, in the order of the page."""
    for topic in offered():
        for channel in Channel.values:
            if basis := topic.basis(channel):
                yield Cell(topic.slug, channel, basis)


def cell(scope: str, channel: str) -> Cell | None:
    """What a scope means by a channel; None for all marketing. UnknownScope for what is not sent."""
    if channel not in Channel.values:
        raise UnknownScope(
            _("There is no channel called “%(channel)s”.") % {"channel": channel[:16]},
            remedy=_("The channels are %(known)s.") % {"known": ", ".join(Channel.values)},
        )
    if scope == ALL_MARKETING:
        return None
    check(scope)
    topic = next(each for each in all_topics() if each.scope == scope)
    if not (basis := topic.basis(channel)):
        raise UnknownScope(
            _("“%(scope)s” is not sent by %(channel)s.") % {"scope": scope, "channel": channel},
            remedy=_("Say in the topic what allows it there, or ask for another channel."),
        )
    return Cell(topic.slug, channel, basis)


def check(scope: str) -> None:
    """UnknownScope unless it is all marketing or one of its topics."""
    if is_known(scope):
        return
    known = ", ".join([ALL_MARKETING, *(topic.scope for topic in all_topics())])
    raise UnknownScope(
        _("There is no marketing called “%(scope)s”.") % {"scope": scope[:48]},
        remedy=_("There is: %(known)s.") % {"known": known},
    )


def is_known(scope: str) -> bool:
    if scope == ALL_MARKETING or any(topic.scope == scope for topic in all_topics()):
        return True
    if not scope.startswith(f"{ALL_MARKETING}."):
        return False
    forget()
    return any(topic.scope == scope for topic in all_topics())


def is_offered(scope: str) -> bool:
    return any(topic.scope == scope for topic in offered())


def title(scope: str) -> str:
    """In the active language, for people."""
    topic = next((each for each in all_topics() if each.scope == scope), None)
    return topic.text("title") if topic is not None else _("all marketing")


def choices() -> list[tuple[str, str]]:
    """For a form of staff's."""
    return [(ALL_MARKETING, title(ALL_MARKETING)), *((topic.scope, topic.text("title")) for topic in offered())]


def forget() -> None:
    _held.forget()


def forget_after_commit() -> None:
    transaction.on_commit(forget)


_held: Remembered[tuple[Topic, ...]] = Remembered(lambda: tuple(Topic.objects.all()), fallback=lambda: ())
