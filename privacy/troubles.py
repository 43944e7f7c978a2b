"""What stopped a piece of work, in words. The code stays beside them: it is what the logs and the metrics say.

What could go wrong: a code that nobody has words for (it is shown as it is, never hidden), or words that quote an
error's own text, in which a person may be named (only codes come here).
"""

import re

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now, gettext_lazy as _

from privacy.models import WebhookEndpoint

WORDS: dict[str, Promise] = {
    "lease-lapsed": _("The worker stopped in the middle of it, several times."),
    "source-unreachable": _("The system that holds the data could not be reached."),
    "source-away": _("The system that holds the data could not be reached."),
    "mail-refused": _("The mail server refused the mail."),
    "smtp-smtprecipientsrefused": _("The mail server refused the address."),
    "came-back": _("It was sent, and came back."),
    "letter-broken": _("The company's own text of this letter cannot be used."),
    "plan-outdated": _("The data changed after the plan was made."),
    "residue-found": _("Something was still there that must be gone."),
    "package-broken": _("The copy was not what the plan said."),
    "restricted": _("The account is restricted."),
    "no-handler": _("This version of the program cannot do this step."),
    "endpoint-off": _("The webhook is switched off."),
    "unreachable": _("The receiver could not be reached."),
    "timeout": _("The receiver did not answer in time."),
    "tls": _("The receiver's certificate is not good."),
    **{why.value: why.label for why in WebhookEndpoint.Off},
}
# By how a code begins, the most exact first.
FAMILIES: tuple[tuple[str, Promise], ...] = (
    (r"error-(operational|interface)error", _("The database could not be reached, or was too busy.")),
    (r"error-timeout(error)?", _("It took too long.")),
    (r"error-(os|connection\w*)error", _("Another system could not be reached.")),
    (r"smtp-\d+", _("The mail server did not take the mail.")),
    (r"smtp-\w+", _("The mail server could not be reached.")),
    (r"http-\d+", _("The receiver answered with an error.")),
    (r"address-\w+", _("The receiver's address may not be used.")),
    (r"error-\w+", _("The program has a fault here; the log says more.")),
)


def words_of(code: str) -> str:
    """One sentence for the code; the code itself when there is none."""
    if code in WORDS:
        return _capital(str(WORDS[code]))
    return next((str(words) for begins, words in FAMILIES if re.fullmatch(f"{begins}.*", code)), code)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def shown(code: str) -> SafeString | str:
    """For a cell or a field: the words, and the code for whoever looks for it."""
    if not code:
        return "–"
    words = words_of(code)
    return format_html('{} <code class="desk-code">{}</code>', words, code) if words != code else code


def several(codes: list[str]) -> str:
    """In one line, each thing said once."""
    return " ".join(dict.fromkeys(words_of(code) for code in codes)) or _now("No reason is known.")
