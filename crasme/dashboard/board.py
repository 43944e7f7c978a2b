"""The promise board: a page of its own, and its summary on the overview, which is fetched after the page is there.

What could go wrong: the overview waits for thirty questions to big tables. So it does not ask them itself.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from privacy.promises import Finding, Status, board

LOOKS: Final[dict[Status, tuple[str, str]]] = {
    Status.BROKEN: ("bad", "cancel"),
    Status.AT_RISK: ("warn", "error"),
    Status.UNKNOWN: ("", "help"),
    Status.PARTLY: ("", "rule"),
    Status.KEPT: ("good", "check_circle"),
}
SHOWN: Final = 8
SECTIONS: Final[dict[int, LazyText]] = {
    1: _("What is collected"),
    2: _("What it is used for"),
    3: _("Who receives it"),
    4: _("How it is protected"),
    5: _("Rights"),
    6: _("Cookies"),
    7: _("Connected services and payments"),
    8: _("How long it is kept"),
    9: _("Children"),
    10: _("Changes of the policy"),
    11: _("Questions"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A finding with its looks; templates read nothing else."""

    finding: Finding

    @property
    def tone(self) -> str:
        return LOOKS[self.finding.status][0]

    @property
    def icon(self) -> str:
        return LOOKS[self.finding.status][1]

    @property
    def words(self) -> str:
        return str(self.finding.status.label)


class _Board(UnfoldSiteViewMixin, TemplateView):
    """Open to all staff: the board names nobody."""

    title = _("Promise board")
    permission_required = ()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = [Line(finding) for finding in board(timezone.now())]
        return super().get_context_data(**kwargs) | {"lines": lines, "totals": totals(lines)}


class BoardPage(_Board):
    """Every promise, section by section."""

    template_name = "admin/dashboard/promises.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        sections: dict[int, list[Line]] = {}
        for line in context["lines"]:
            sections.setdefault(line.finding.section, []).append(line)
        shown = [(number, SECTIONS.get(number, ""), lines) for number, lines in sorted(sections.items())]
        return context | {"sections": shown}


class BoardCard(_Board):
    """The summary for the overview: what is broken or at risk in full, the rest as numbers."""

    template_name = "admin/dashboard/board.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        pressing = [line for line in context["lines"] if line.finding.status in (Status.BROKEN, Status.AT_RISK)]
        pressing.sort(key=lambda line: line.finding.status != Status.BROKEN)
        return context | {"pressing": pressing[:SHOWN], "more": max(0, len(pressing) - SHOWN)}


def totals(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """How many of each status, the worst first, with the share of all in percent; statuses without any are left out."""
    counted = Counter(line.finding.status for line in lines)
    return [
        {"words": status.label, "rows": counted[status], "share": 100 * counted[status] / counted.total(), "tone": tone}
        for status, (tone, _icon) in LOOKS.items()
        if counted[status]
    ]
