"""What may stand between braces in a letter that staff write: `{wish}`, `{link}`, `{kept}`.

What could go wrong: a text reaches into the program. So a placeholder is a name of this table and nothing else; its
value is computed here from the same facts that the shipped templates use, and is escaped where it is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _now, gettext_lazy as _

Context = Mapping[str, Any]
Value = str | list[str]


class Form(Enum):
    WORDS = "words"  # within a line
    LINK = "link"  # an address; alone on its line it becomes a button
    CODE = "code"  # within a line, or large when it is alone on it
    LINES = "lines"  # a list, alone on its line
    QUOTE = "quote"  # paragraphs, alone on their line

    @property
    def stands_alone(self) -> bool:
        return self in (Form.LINES, Form.QUOTE)

    @property
    def fits_a_subject(self) -> bool:
        """A subject is one line and is kept as it was sent: no lists, no secrets."""
        return self is Form.WORDS


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`value` is in the active language. `optional`: it may have nothing to say; its paragraph is left out then.
    `button` is what is written on a link that is alone on its line; without one the letter's own words are.
    """

    name: str
    meaning: Promise
    value: Callable[[Context], Value]
    form: Form = Form.WORDS
    optional: bool = False
    button: Promise | str = ""


def day(value: date | None) -> str:
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return formats.date_format(value, "DATE_FORMAT") if value else ""


def _kept(context: Context) -> list[str]:
    lines = []
    for line in context["kept"]:
        until = _now("Until %(day)s.") % {"day": day(line.until)} if line.until else ""
        lines.append(f"{line.title} ({line.rows}): {line.reason} {until}".strip())
    return lines


def _findings(context: Context) -> str:
    if context["nothing_else"]:
        return _now("We hold nothing about you except what arose from this request; even so, here is a copy of that.")
    return _now("We have put together everything that we hold about you: to read, and as files for other software.")


def _portable(context: Context) -> str:
    if context["nothing_else"]:
        return _now(
            "We hold nothing that you gave us or that was recorded while you used the product; the file says so."
        )
    return _now(
        "We have put together what you gave us and what was recorded while you used the product: as JSON and CSV, "
        "with a description of every field for other software."
    )


def _stands_still(context: Context) -> str:
    words = {"day": day(context["due"])}
    if context["stands_still"]:
        return (
            _now(
                "The law lets the time to answer stand still until we hear from you. What we promised you ourselves "
                "does not: you will have an answer by %(day)s, as far as we can give one without yours."
            )
            % words
        )
    return (
        _now(
            "The time to answer goes on meanwhile: you will have an answer by %(day)s, as far as we can give one "
            "without yours."
        )
        % words
    )


def _warnings(context: Context) -> list[str]:
    return [
        f"{line.reference}: {line.words} ({_now('due %(day)s') % {'day': day(line.due)}})"
        for line in context["warnings"]
    ]


def _lines(name: str) -> Callable[[Context], list[str]]:
    """A list that is made of whole lines already."""
    return lambda context: [str(line) for line in context[name]]


POOL: dict[str, Placeholder] = {
    placeholder.name: placeholder
    for placeholder in (
        Placeholder("company", _("The company's name"), lambda c: str(c["company"])),
        Placeholder("product", _("The product's name"), lambda c: str(c["product"])),
        Placeholder("contact", _("The address for questions on privacy"), lambda c: str(c["contact"])),
        Placeholder("reference", _("The request's reference"), lambda c: str(c["request"].reference)),
        Placeholder("wish", _("What was asked for, as in “your request for …”"), lambda c: str(c["wish"])),
        Placeholder("due", _("The day by which there is an answer"), lambda c: day(c["due"])),
        Placeholder(
            "status_page",
            _("The page of the request; it asks for proof"),
            lambda c: str(c["status_url"]),
            Form.LINK,
            button=_("Follow the request"),
        ),
        Placeholder("link", _("The link that proves the mailbox, once"), lambda c: str(c["link"]), Form.LINK),
        Placeholder("code", _("The code to type instead of following the link"), lambda c: str(c["code"]), Form.CODE),
        Placeholder("hours", _("How many hours link and code work"), lambda c: str(c["lifetime_hours"])),
        Placeholder(
            "desk_page",
            _("The request's page on the desk"),
            lambda c: str(c["case_url"]),
            Form.LINK,
            button=_("Open the request"),
        ),
        Placeholder("child_days", _("Within how many days a child's data is deleted"), lambda c: str(c["child_days"])),
        Placeholder(
            "child_result", _("A sentence: what was done about the reported account"), lambda c: str(c["child_result"])
        ),
        Placeholder(
            "also",
            _("What else was asked in the same message, as a list"),
            lambda c: [str(wish) for wish in c["also"]],
            Form.LINES,
            optional=True,
        ),
        Placeholder(
            "first",
            _("The reference of an earlier open request for the same thing"),
            lambda c: str(c["first"].reference) if c["first"] else "",
            optional=True,
        ),
        Placeholder("findings", _("A sentence: whether anything is held besides the request"), _findings),
        Placeholder("portable", _("A sentence: whether there is anything to take along"), _portable),
        Placeholder(
            "until",
            _("Until when the copy can be fetched"),
            lambda c: day(c["package"].expires_at if c["package"] and not c["erased_sooner"] else None),
            optional=True,
        ),
        Placeholder(
            "erased_after",
            _("Until when a deletion that was asked for as well waits for the copy"),
            lambda c: day(c["erased_after"] or None),
            optional=True,
        ),
        Placeholder("kept", _("What stays, with reason and end, as a list"), _kept, Form.LINES, optional=True),
        Placeholder("backups_period", _("How long backups are kept"), lambda c: str(c["periods"]["backups"])),
        Placeholder("requests_period", _("How long requests are kept"), lambda c: str(c["periods"]["requests"])),
        Placeholder("done", _("What was done, in a sentence or two"), lambda c: str(c["done"])),
        Placeholder("ended", _("What has ended, as a list"), lambda c: list(c["ended"]), Form.LINES),
        Placeholder(
            "browsers",
            _("How to remove cookies in each browser, as a list"),
            lambda c: list(c["browsers"]),
            Form.LINES,
            optional=True,
        ),
        Placeholder(
            "cookie_page",
            _("The page of the cookie settings"),
            lambda c: str(c["cookies_url"]),
            Form.LINK,
            button=_("Cookie settings"),
        ),
        Placeholder("reason", _("Why the request is refused"), lambda c: str(c["refusal"].reason)),
        Placeholder("authority", _("Who hears complaints, by whose law applies"), lambda c: str(c["authority"])),
        Placeholder("remedies", _("What the person can do about the refusal"), lambda c: str(c["refusal"].remedy)),
        Placeholder("warnings", _("The requests, and what is to be known of each"), _warnings, Form.LINES),
        Placeholder(
            "desk", _("The list of requests"), lambda c: str(c["desk_url"]), Form.LINK, button=_("Open the back office")
        ),
        Placeholder("more_time", _("Why more time is needed"), lambda c: str(c["more_time"])),
        Placeholder("later", _("Until when the law lets us take our time"), lambda c: day(c["later"])),
        Placeholder("promised", _("The day that we promised"), lambda c: day(c["request"].promise_due)),
        Placeholder(
            "stands_still", _("A sentence: by when, and whether the time stands still meanwhile"), _stands_still
        ),
        Placeholder(
            "corrections", _("What was decided about each value, as a list"), _lines("corrections"), Form.LINES
        ),
        Placeholder(
            "told", _("Which recipients of the data were told, as a list"), _lines("told"), Form.LINES, optional=True
        ),
        Placeholder("to_do", _("What a recipient of the data shall do"), lambda c: str(c["notice"].to_do)),
        Placeholder("whom", _("Whose data it is, as a recipient knows them, as a list"), _lines("whom"), Form.LINES),
        Placeholder("answer_by", _("By when a recipient shall answer"), lambda c: day(c["notice"].due_on)),
        Placeholder("told_on", _("When a recipient was told"), lambda c: day(c["notice"].told_on)),
        Placeholder("standing", _("Where the request stands, in a sentence"), lambda c: str(c["standing"])),
        Placeholder("mandate_standing", _("Where the mandate stands"), lambda c: str(c["mandate_standing"])),
        Placeholder("their_result", _("How the request of the person came out"), lambda c: str(c["their_result"])),
        Placeholder("customer", _("The customer whom it is passed on to"), lambda c: str(c["customer"])),
        Placeholder("their_wish", _("What the person asks the customer for"), lambda c: str(c["their_wish"])),
        Placeholder("passed_on", _("When it was passed on to the customer"), lambda c: day(c["passed_on"])),
        Placeholder("act_by", _("By when the customer is asked to act"), lambda c: day(c["act_by"])),
        Placeholder("customers_intro", _("What customers have to do with it"), lambda c: str(c["customers_intro"])),
        Placeholder(
            "customers", _("Which customers decide, as a list"), _lines("customers"), Form.LINES, optional=True
        ),
        Placeholder(
            "written",
            _("What the agent wrote"),
            lambda c: str(c["written"]),
            Form.QUOTE,
            optional=True,
        ),
    )
}
# Every letter may name these.
OF_THE_COMPANY = ("company", "product", "contact")
COMMON = (*OF_THE_COMPANY, "reference", "wish", "due", "status_page")
