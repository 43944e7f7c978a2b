"""Every letter that is ever sent: on which occasion, to whom, and what a text of the company's own may and must say.

A new letter is one entry here and three files, `templates/emails/<name>-{subject.txt,text.txt,html.html}`.

What could go wrong: a letter that nobody can find or translate (a test compares this list with the files, and nothing
outside it can be queued), an own text that forgets the link, the reason or the agent's words (`must`), or one that
leaves out what the law obliges us to say (`fixed` lines are added to every own text and cannot be removed).
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.correspondence.placeholders import COMMON, OF_THE_COMPANY, POOL, Placeholder
from privacy.errors import NoSuchLetter
from privacy.models import Message, Request

Addressee, Kind = Message.Addressee, Request.Kind
# Kinds of which recipients of the data hear.
TOLD = (Kind.CORRECTION, Kind.DELETION, Kind.RESTRICTION, Kind.CHILD)
COMPLAIN_FOR_THEM = _("The person may complain to their data protection authority, or go to court.")
COMPLAIN = _("You may complain to your data protection authority, or go to court, if you think that we are wrong.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One letter.

    name       of the three files, and of the `Message` rows
    title      what staff call it
    occasion   when it is sent, in one sentence
    addressee  to whom it usually goes
    kinds      of requests that have it; empty means all
    must       placeholders that an own text has to contain
    may        further ones, besides those that every letter may use
    linked     it carries a fresh link and code that prove the mailbox
    button     what is written on the button of its link
    fixed      last lines that an own text cannot leave out
    unnamed    its reader must learn nothing of the request, not even its reference
    """

    name: str
    title: Promise
    occasion: Promise
    addressee: str = Addressee.PERSON
    kinds: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    linked: bool = False
    button: Promise | str = ""
    fixed: tuple[Promise, ...] = ()
    unnamed: bool = False

    @property
    def common(self) -> tuple[str, ...]:
        """What every letter may say, as far as its reader may know it."""
        return OF_THE_COMPANY if self.unnamed else COMMON

    @property
    def placeholders(self) -> dict[str, Placeholder]:
        """Every placeholder that may be used, the obligatory ones first."""
        return {name: POOL[name] for name in dict.fromkeys((*self.must, *self.may, *self.common))}

    def fits(self, kind: str) -> bool:
        """Whether requests of this kind have it."""
        return not self.kinds or kind in self.kinds


CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "confirm",
            _("Please confirm"),
            _("A request arrived; nobody has proven the mailbox yet."),
            must=("link", "code"),
            may=("hours", "also", "first"),
            linked=True,
            button=_("Look at the request and confirm it"),
            fixed=(
                _("If it was not you, do nothing: without a confirmation nothing is looked up and nothing is done."),
            ),
        ),
        Entry(
            "link",
            _("A fresh link"),
            _("Somebody asked for a new link to a request."),
            must=("link", "code"),
            may=("hours",),
            linked=True,
            button=_("Open the request"),
        ),
        Entry(
            "signed-in",
            _("Asked while signed in"),
            _("A request was made from the person's own session in the product; the work begins."),
            must=("link", "code"),
            may=("hours", "also", "first"),
            linked=True,
            button=_("Open the request"),
            fixed=(_("If it was not you, open the request and take it back, change your password, and tell us."),),
        ),
        Entry(
            "confirm-represented",
            _("Please confirm who asks for you"),
            _("Somebody asked for a person whom they say they represent; the person on file is asked."),
            must=("link", "code"),
            may=("hours", "also"),
            linked=True,
            button=_("Look at the request"),
            fixed=(
                _(
                    "If you want none of this, do nothing: without a confirmation nothing is looked up and nothing is"
                    " done."
                ),
            ),
        ),
        Entry(
            "representative-receipt",
            _("Receipt for a representative"),
            _("Somebody asked for a person whom they say they represent."),
            addressee=Addressee.REPRESENTATIVE,
        ),
        Entry(
            "representative-status",
            _("Where it stands, for a representative"),
            _("The mandate was judged, the request was closed, or the representative asked."),
            addressee=Addressee.REPRESENTATIVE,
            must=("standing", "mandate_standing"),
        ),
        Entry(
            "representative-answer",
            _("The answer, for a representative"),
            _("The person wants it, and the mandate is accepted; there is no copy to fetch."),
            addressee=Addressee.REPRESENTATIVE,
            must=("their_wish", "their_result", "kept", "written"),
            fixed=(COMPLAIN_FOR_THEM,),
        ),
        Entry(
            "representative-copy",
            _("The copy, for a representative"),
            _("The person wants it, and the mandate is accepted; the copy can be fetched."),
            addressee=Addressee.REPRESENTATIVE,
            must=("their_wish", "link"),
            may=("hours", "until"),
            button=_("To the download"),
        ),
        Entry(
            "referral",
            _("A wish is passed on to a customer"),
            _("The data is a customer's own; the customer decides about it."),
            addressee=Addressee.CUSTOMER,
            must=("customer", "their_wish", "act_by", "link"),
            button=_("Look at the request"),
        ),
        Entry(
            "referral-reminder",
            _("A customer is reminded"),
            _("The customer has not said yet what they did; sent after 5, 10 and 20 days."),
            addressee=Addressee.CUSTOMER,
            must=("customer", "their_wish", "passed_on", "act_by", "link"),
            button=_("Look at the request"),
        ),
        Entry(
            "referral-taken-back",
            _("A customer learns that a wish was taken back"),
            _("The person took the request back after it had been passed on."),
            addressee=Addressee.CUSTOMER,
            must=("customer", "their_wish", "passed_on"),
        ),
        Entry(
            "referred",
            _("Who decides"),
            _("The person is told which customers the wish was passed on to; the answer, where they are all there is."),
            must=("customers_intro", "customers"),
            fixed=(COMPLAIN,),
        ),
        Entry(
            "child-received",
            _("A report arrived"),
            _("Somebody reported a child's account and gave an address; the work begins without a proof."),
            kinds=(Kind.CHILD,),
            must=("link", "code"),
            may=("hours",),
            linked=True,
            button=_("Follow the report"),
        ),
        Entry(
            "child-reported",
            _("A report for an officer"),
            _("A child's account was reported; it goes to the officer whose it is."),
            addressee=Addressee.COLLEAGUE,
            kinds=(Kind.CHILD,),
            must=("desk_page",),
        ),
        Entry(
            "child-answered",
            _("A report was looked at"),
            _("The answer to whoever reported a child's account, the same in every case."),
            kinds=(Kind.CHILD,),
            may=("child_days",),
            fixed=(
                _(
                    "We tell nobody whether somebody has an account with us. So this letter is the same in every case,"
                    " and we cannot say what we found."
                ),
            ),
        ),
        Entry(
            "child-told",
            _("What was done about a child's account"),
            _("The answer to a parent or guardian whom an officer has accepted."),
            kinds=(Kind.CHILD,),
            must=("child_result", "kept", "written", "link", "code"),
            may=("until", "hours"),
            linked=True,
            button=_("Open the report"),
            fixed=(COMPLAIN,),
        ),
        Entry("started", _("We have begun"), _("The mailbox was proven and the work begins.")),
        Entry(
            "package-ready",
            _("The copy is ready"),
            _("The answer to a request for a copy: it can be fetched."),
            kinds=(Kind.ACCESS,),
            must=("link", "code"),
            may=("findings", "until", "erased_after", "hours", "customers"),
            linked=True,
            button=_("To the download"),
            fixed=(
                _(
                    "If something is missing or wrong, answer this mail. You may also complain to your data protection"
                    " authority or go to court."
                ),
            ),
        ),
        Entry(
            "portable",
            _("The data is ready to be taken along"),
            _("The answer to a request for portable data: it can be fetched."),
            kinds=(Kind.PORTABILITY,),
            must=("link", "code"),
            may=("portable", "until", "erased_after", "hours"),
            linked=True,
            button=_("To the download"),
            fixed=(
                _(
                    "If something is missing or wrong, answer this mail. You may also complain to your data protection"
                    " authority or go to court."
                ),
            ),
        ),
        Entry(
            "complaint-received",
            _("The complaint has arrived"),
            _("The mailbox of somebody who complains was proven; the privacy officer looks into it."),
            kinds=(Kind.COMPLAINT,),
            must=("authority",),
        ),
        Entry(
            "erased",
            _("The data was deleted"),
            _("The answer to a deletion that found something."),
            kinds=(Kind.DELETION,),
            must=("kept",),
            may=("backups_period", "requests_period", "told", "customers"),
            fixed=(
                _(
                    "If you see it differently, answer this mail soon. You may also complain to your data protection"
                    " authority or go to court."
                ),
            ),
        ),
        Entry(
            "nothing-found",
            _("Nothing is held"),
            _("The answer to a deletion that found nothing but the request."),
            kinds=(Kind.DELETION,),
            may=("customers",),
            fixed=(
                _(
                    "If you use another address with us, ask again from that one. You may also complain to your data"
                    " protection authority or go to court."
                ),
            ),
        ),
        Entry(
            "opted-out",
            _("No more marketing"),
            _("The answer to an opt-out, and to an objection to marketing; nobody has to confirm those."),
            kinds=(Kind.OPT_OUT, Kind.OBJECTION),
            must=("ended", "status_page"),
            fixed=(
                _(
                    "Mail about the service itself goes on: answers to you, bills, and what concerns the safety of your"
                    " account."
                ),
            ),
        ),
        Entry(
            "consent-withdrawn",
            _("Consent taken back"),
            _("The answer to the withdrawal of a consent."),
            kinds=(Kind.WITHDRAWAL,),
            must=("ended", "browsers"),
            may=("cookie_page",),
            fixed=(_("What was done before, with your consent, stays lawful."), COMPLAIN),
        ),
        Entry(
            "restricted",
            _("The use is restricted"),
            _("The answer to a restriction that was granted."),
            kinds=(Kind.RESTRICTION,),
            must=("done",),
            may=("told",),
            fixed=(_("We tell you before the restriction ends."), COMPLAIN),
        ),
        Entry(
            "restriction-lifted",
            _("The restriction ends"),
            _("A restriction is to be lifted; it ends when this mail has gone out."),
            kinds=(Kind.RESTRICTION,),
            must=("written",),
            fixed=(
                _("If you see it differently, answer this mail at once; you may also ask for a restriction again."),
                COMPLAIN,
            ),
        ),
        Entry(
            "objection-granted",
            _("The use has ended"),
            _("The answer to an objection that was granted."),
            kinds=(Kind.OBJECTION,),
            must=("done",),
            fixed=(COMPLAIN,),
        ),
        Entry(
            "refused",
            _("Refused"),
            _("The answer when a request is refused."),
            must=("reason", "remedies", "written", "authority"),
        ),
        Entry(
            "answered",
            _("Answered by hand"),
            _("The answer to a request that a colleague worked on, in the colleague's words."),
            must=("written",),
            may=("customers",),
            fixed=(COMPLAIN,),
        ),
        Entry(
            "extended",
            _("More time is needed"),
            _("The notice of an extension, sent before the law's first day; with it the law's later day counts."),
            must=("more_time", "written", "later", "promised"),
            fixed=(COMPLAIN,),
        ),
        Entry(
            "question",
            _("A question"),
            _("A colleague asks the person something. In some places the law's clock stands still until the answer."),
            must=("written",),
            may=("stands_still",),
            fixed=(_("Please answer this mail. Send no copies of identity documents; we do not need them."),),
        ),
        Entry(
            "warning-digest",
            _("Requests come near their day"),
            _("To a colleague: requests that are due soon, are late, or have stopped. References and days only."),
            addressee=Addressee.COLLEAGUE,
            must=("warnings",),
            may=("desk",),
        ),
        Entry(
            "message",
            _("A message from a colleague"),
            _("A colleague writes to the person while the request goes on."),
            must=("written",),
        ),
        Entry("withdrawn", _("Taken back"), _("The person took the request back.")),
        Entry(
            "proposals-wanted",
            _("What is right?"),
            _("A colleague asks somebody who wants a correction for the right values."),
            kinds=(Kind.CORRECTION,),
            must=("link", "code"),
            may=("hours",),
            linked=True,
            button=_("Say what is right"),
        ),
        Entry(
            "new-mailbox",
            _("Is this your mailbox?"),
            _("Somebody proposed a new e-mail address; this goes to it and says nothing of anybody."),
            addressee=Addressee.NEW_MAILBOX,
            kinds=(Kind.CORRECTION,),
            must=("link",),
            button=_("Yes, I read it"),
            fixed=(_("The link works for 3 days. If it was not you, do nothing: the address is not used then."),),
            unnamed=True,
        ),
        Entry(
            "corrected",
            _("What has been corrected"),
            _("The answer to a correction, value by value."),
            kinds=(Kind.CORRECTION,),
            must=("corrections",),
            may=("told",),
            fixed=(COMPLAIN,),
        ),
        Entry(
            "recipient-notice",
            _("A recipient is told"),
            _("Data was corrected, erased or restricted; every recipient of it has to do the same."),
            addressee=Addressee.RECIPIENT,
            kinds=TOLD,
            must=("to_do", "whom", "answer_by", "link"),
            button=_("It is done"),
        ),
        Entry(
            "recipient-reminder",
            _("A recipient is reminded"),
            _("A recipient has not said yet that it is done; sent after one week and after two."),
            addressee=Addressee.RECIPIENT,
            kinds=TOLD,
            must=("told_on", "answer_by", "link"),
            button=_("It is done"),
        ),
    )
}


def entry_of(template: str) -> Entry:
    """NoSuchLetter for one that nobody entered here."""
    try:
        return CATALOGUE[template]
    except KeyError:
        raise NoSuchLetter(_("There is no letter of this name.")) from None
