"""What is fair: the figures of one view judged. Pure; every finding names the element, what was measured and a remedy.

Source: EDPB, report of the cookie banner taskforce (2023): a refusal on the first layer, no box ticked before, no
colours or contrasts that lead, a way back at any time; CNIL: refusing must be as easy as accepting. WCAG 2.2: 1.4.3
contrast, 1.4.11 non-text contrast, 2.4.11 focus not obscured, 2.5.8 target size.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

ANSWERS: Final = ("refuse-all", "accept-all")
CONTRAST, EDGE, TARGET = 4.5, 3.0, 24
SAME: Final = 1  # CSS pixels that two equal boxes may differ by, which is rounding


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    element: str
    measured: str
    remedy: str

    def plain(self) -> dict[str, str]:
        return asdict(self)


def judge(view: dict[str, Any]) -> list[Finding]:
    """`view` is what `probe.FIGURES` gave, with "order" (the real order of the Tab key) beside."""
    accept, refuse, close = view["accept"], view["refuse"], view["close"]
    missing = [name for name, each in zip(("accept-all", "refuse-all", "close"), (accept, refuse, close), strict=True)
               if not each or not each["shown"]]  # fmt: skip
    if missing:
        remedy = _("Show it on the first layer, beside the other answer.")
        return [Finding("present", name, _("not shown"), remedy) for name in missing]
    return [*_alike(accept, refuse), *_place(accept, refuse), *_readable(view), *_usable(view)]


def judge_acts(acts: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """`acts` maps what was pressed to `probe.OUTCOME` afterwards, with the "clicks" that it took."""
    if acts["refuse-all"]["clicks"] != acts["accept-all"]["clicks"]:
        took = f"{acts['refuse-all']['clicks']} / {acts['accept-all']['clicks']}"
        yield Finding("clicks", "refuse-all", took, _("Refusing takes as many clicks as accepting."))
    for name, after in acts.items():
        if name == "way-back":
            if not after["open"]:
                remedy = _("Keep a link with data-consent-open on every page.")
                yield Finding("way-back", "[data-consent-open]", _("does not open the settings"), remedy)
        elif not after["decided"] or after["open"]:
            yield Finding("answers", name, _("the question stays"), _("One press answers and closes."))
        elif name != "accept-all" and len(after["granted"]) > after["always"]:
            remedy = _("Everything but the accepting answer refuses, closing included.")
            yield Finding("refuses", name, ", ".join(after["granted"]), remedy)


def _alike(accept: dict[str, Any], refuse: dict[str, Any]) -> Iterator[Finding]:
    both = [
        ("size", "width", _("Give both answers the same width and height.")),
        ("size", "height", _("Give both answers the same width and height.")),
    ]
    for rule, key, remedy in both:
        if abs(accept[key] - refuse[key]) > SAME:
            yield _unlike(rule, key, accept, refuse, remedy)
    for rule, key in (("font", "font"), ("shape", "shape"), ("opacity", "opacity"), ("kind", "tag")):
        if accept[key] != refuse[key]:
            yield _unlike(rule, key, accept, refuse, _("Give both answers the same style."))
    for rule, key in (("contrast", "contrast"), ("colour", "against"), ("colour", "edge")):
        if abs(accept[key] - refuse[key]) > 0.05:
            yield _unlike(rule, key, accept, refuse, _("Give both answers the same colours."))


def _unlike(rule: str, key: str, accept: dict[str, Any], refuse: dict[str, Any], remedy: str) -> Finding:
    return Finding(rule, "refuse-all / accept-all", f"{key} {refuse[key]} / {accept[key]}", remedy)


def _place(accept: dict[str, Any], refuse: dict[str, Any]) -> Iterator[Finding]:
    beside = abs(accept["y"] - refuse["y"]) <= SAME
    stacked = abs(accept["x"] - refuse["x"]) <= SAME
    far = max(abs(accept["x"] - refuse["x"]) - accept["width"], abs(accept["y"] - refuse["y"]) - accept["height"])
    if not (beside or stacked) or far > accept["height"]:
        measured = f"({refuse['x']}, {refuse['y']}) / ({accept['x']}, {accept['y']})"
        remedy = _("Put both answers into the same row, or one right above the other.")
        yield Finding("place", "refuse-all / accept-all", measured, remedy)
    for name, each in (("refuse-all", refuse), ("accept-all", accept)):
        if not each["in_view"] or each["covered"]:
            measured = _("outside of the window") if not each["in_view"] else _("covered")
            yield Finding("in-sight", name, measured, _("Both answers are in sight without scrolling."))


def _readable(view: dict[str, Any]) -> Iterator[Finding]:
    for each in view["pale"]:
        measured = f"{each['contrast']}:1, opacity {each['opacity']:g}"
        yield Finding("contrast", each["name"], measured, _("Text needs a contrast of 4.5:1."))
    for name in ("accept", "refuse"):
        button = view[name]
        if max(button["against"], button["edge"]) < EDGE:
            measured = f"{max(button['against'], button['edge'])}:1"
            yield Finding("edge", f"{name}-all", measured, _("A button stands out from what is behind it by 3:1."))


def _usable(view: dict[str, Any]) -> Iterator[Finding]:
    for slug in view["ticked"]:
        yield Finding("unticked", slug, _("ticked before"), _("No box is ticked before the visitor ticks it."))
    for each in view["small"]:
        measured = f"{each['width']} × {each['height']}"
        yield Finding("target", each["name"], measured, _("What is pressed is at least 24 by 24 pixels."))
    if view["sideways"] > 0:
        yield Finding("sideways", "page", f"{view['sideways']} px", _("Nothing makes the page scroll sideways."))
    order = [each for each in view["order"] if each in ANSWERS]
    between = [each for each in view["order"] if each]
    adjacent = len(order) == len(ANSWERS) and abs(between.index(order[0]) - between.index(order[1])) == 1
    if not adjacent:
        remedy = _("The Tab key reaches both answers, one right after the other.")
        yield Finding("focus", "refuse-all / accept-all", " → ".join(between) or "–", remedy)
