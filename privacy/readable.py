"""What a row holds as JSON, shown as a table that a colleague can read.

What could go wrong: a key that this version does not know (it is shown under its own name, never left out), or one
that holds what somebody wrote (results hold counts and ids, never values; everything is escaped all the same).
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Final

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext as _now, gettext_lazy as _

from crasme.kit import datamap
from privacy import factwords, troubles
from privacy.clock.regimes import Regime
from privacy.correspondence.catalogue import CATALOGUE
from privacy.states import Outcome
from privacy.templatetags.tables import by_table

NOTHING: Final = "–"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,128}")
# What a step says of itself, in the order in which it is read.
LABELS: dict[str, Promise] = {
    "outcome": _("What came of it"),
    "account": _("Accounts found"),
    "accounts": _("Accounts"),
    "contacts": _("Found as a contact of customers"),
    "regime": _("Law"),
    "rows": _("Rows"),
    "kept": _("Rows that stay"),
    "tables": _("Rows by table"),
    "counts": _("Rows by table"),
    "applied": _("Values written"),
    "rejected": _("Values rejected"),
    "marketing": _("Marketing stopped"),
    "cookies": _("Cookie choices withdrawn"),
    "told": _("Recipients told"),
    "not_told": _("Recipients not told"),
    "residue": _("Left over"),
    "in_content_of_others": _("Mentioned in what others wrote"),
    "referred": _("Passed on to customers"),
    "template": _("Letter"),
    "size": _("Size"),
    "plan": _("Plan"),
    "package": _("Copy"),
}


def letter(template: str) -> str:
    """What staff call a letter; the name of one that is not sent any more."""
    return str(CATALOGUE[template].title) if template in CATALOGUE else template


def language(code: str) -> str:
    """What a language is called in the active one; the code of one that nobody here has a name for."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def tables(counts: Mapping[str, int]) -> SafeString | str:
    """Rows by table, with the names of the data map."""
    keys = {view.key.lower(): view.key for view in datamap.views()}
    known = by_table({keys.get(key.lower(), key): rows for key, rows in counts.items()})
    return _table([(title, intcomma(rows)) for title, rows in known])


def result(found: Mapping[str, Any]) -> SafeString | str:
    """What a step has to say."""
    order = [*(key for key in LABELS if key in found), *sorted(set(found) - set(LABELS))]
    return _table([(str(LABELS.get(key, key.replace("_", " "))), _value(key, found[key])) for key in order])


def _value(key: str, value: Any) -> SafeString | str:
    if (words := _words(key, value)) is not None:
        return words
    if isinstance(value, dict):
        return tables(value)
    match key:
        case "size":
            return filesizeformat(value)
        case "outcome" if value in Outcome.values:
            return str(Outcome(value).label)
        case "plan" | "package":
            address = reverse(f"admin:privacy_{key}_change", args=[value])
            return format_html('<a href="{}">{}</a>', address, str(value)[-8:])
    return str(intcomma(value)) if isinstance(value, int) else str(value)


def _words(key: str, value: Any) -> str | None:
    """What is said in the same words of a step's result and of a fact; None for everything else."""
    if isinstance(value, bool):
        return _now("yes") if value else _now("no")
    if key == "template":
        return letter(str(value))
    if key == "regime" and value in Regime.values:
        return str(Regime(value).label)
    return None


def _table(rows: list[tuple[str, Any]]) -> SafeString | str:
    if not rows:
        return NOTHING
    lines = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows)
    return format_html('<table class="desk-pairs"><tbody>{}</tbody></table>', lines)


def line(facts: Mapping[str, Any]) -> SafeString:
    """Facts of the ledger or the clock in one line. Ids and digests are shortened; pointing at one shows it whole."""
    return format_html_join(" · ", "{}: {}", ((name(key), _fact(key, value)) for key, value in facts.items()))


def name(key: str) -> str:
    """What a key of a fact or of a result is called."""
    return str(LABELS[key]) if key in LABELS else factwords.name(key) or key.replace("_", " ")


def _fact(key: str, value: Any) -> SafeString | str:
    if (words := _words(key, value)) is not None or (words := factwords.value(key, value)) is not None:
        return words
    if key == "code":
        return troubles.words_of(str(value))
    if key == "language":
        return language(str(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value)
    if _ID.fullmatch(text):
        return format_html('<span title="{}">…{}</span>', text, text[-8:])
    return _day(text) or text


def _day(text: str) -> str:
    """A day as every page says it; "" for what is none."""
    with suppress(ValueError):
        return date_format(date.fromisoformat(text)) if _DAY.fullmatch(text) else ""
    return ""
