"""What a refusal says: the reason, what the person can still do, and who else hears a complaint. Kind by kind.

What could go wrong: a letter that gives a reason which fits another right ("we could not find the data" to somebody
who complained), or that leaves people without a way on. Every kind has words for every reason for which it can be
refused (a test asks for them), and every regime has an authority.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from privacy.clock.regimes import Regime
from privacy.models import Request
from privacy.words import Refusal

Kind, Reason = Request.Kind, Request.Refusal

# What holds for any kind that says nothing else.
GENERAL: dict[str, Refusal] = {
    Reason.UNFOUNDED: Refusal(
        _("The request is clearly not meant to use the right that it names."),
        _("If we misunderstood it, answer this mail and say what you would like to achieve."),
    ),
    Reason.EXCESSIVE: Refusal(
        _("The same was asked and answered a short time ago, and nothing has changed since."),
        _("Ask again when something has changed, or tell us what was missing from the last answer."),
    ),
    Reason.IDENTITY: Refusal(
        _("We could not make sure that the data is yours."),
        _("Ask from the e-mail address that we have on file for the account."),
    ),
    Reason.NOT_COVERED: Refusal(
        _("The right does not cover what was asked for."),
        _("Answer this mail if you see it differently; a second person will look at it."),
    ),
    Reason.OTHERS: Refusal(
        _("Doing it would harm the rights of other people."),
        _("Tell us which part matters to you; often a part of it can be done."),
    ),
}

OF_KIND: dict[tuple[str, str], Refusal] = {
    (Kind.ACCESS, Reason.NOT_COVERED): Refusal(
        _("What you asked for is no personal data of yours that we hold for ourselves."),
        _("If a customer of ours has stored it, ask that customer; we pass your wish on if you answer this mail."),
    ),
    (Kind.ACCESS, Reason.OTHERS): Refusal(
        _("A copy would show the data of other people, and theirs cannot be separated from yours."),
        _("Tell us which part matters to you, and we look whether that can be shown without them."),
    ),
    (Kind.CORRECTION, Reason.NOT_COVERED): Refusal(
        _("What we hold is right, or is an assessment, which is neither right nor wrong."),
        _("You may send us a statement of your own, which we keep beside it, or ask us to restrict its use."),
    ),
    (Kind.CORRECTION, Reason.OTHERS): Refusal(
        _("The administrators of your organisation decide about it, not we."),
        _("Ask them; they can change it themselves."),
    ),
    (Kind.DELETION, Reason.NOT_COVERED): Refusal(
        _("A law obliges us to keep what you want to have deleted."),
        _("It is deleted by itself when that time is over. Until then you may ask us to restrict its use."),
    ),
    (Kind.DELETION, Reason.OTHERS): Refusal(
        _("It would destroy data that other people have a right to, such as the records of your organisation."),
        _("Tell us which part is about you alone; that can be deleted."),
    ),
    (Kind.PORTABILITY, Reason.NOT_COVERED): Refusal(
        _("This right is about what you gave us and what was recorded while you used the product; the rest is not it."),
        _("Ask for a copy of your data instead: it holds everything."),
    ),
    (Kind.PORTABILITY, Reason.OTHERS): Refusal(
        _("The files would take the data of other people along, who have not agreed to it."),
        _("Ask them to agree, or tell us which part is about you alone."),
    ),
    (Kind.OPT_OUT, Reason.IDENTITY): Refusal(
        _("We could not make out which address the mail should stop for."),
        _("Use the link at the end of any such mail: it knows the address by itself."),
    ),
    (Kind.OPT_OUT, Reason.NOT_COVERED): Refusal(
        _("The mail that you named is about the service itself: answers, bills, and the safety of your account."),
        _("It ends with the account; you may close that at any time."),
    ),
    (Kind.RESTRICTION, Reason.UNFOUNDED): Refusal(
        _("You named no reason for which the use of data has to be restricted."),
        _("Tell us whether the data is wrong, used unlawfully, needed for a claim, or under an objection of yours."),
    ),
    (Kind.RESTRICTION, Reason.NOT_COVERED): Refusal(
        _("None of the reasons for which the law demands a restriction is there."),
        _("You may object to the use, have the data corrected, or have it deleted."),
    ),
    (Kind.RESTRICTION, Reason.OTHERS): Refusal(
        _("The use is needed to protect the rights of another person, or for a claim before a court."),
        _("Tell us if only a part of the use troubles you; that part may end."),
    ),
    (Kind.OBJECTION, Reason.UNFOUNDED): Refusal(
        _("You named no reason that lies in your own situation, and this use needs one to be objected to."),
        _("Tell us what troubles you about it. To marketing you may object without any reason."),
    ),
    (Kind.OBJECTION, Reason.NOT_COVERED): Refusal(
        _("This use rests on a contract with you or on a law, so it cannot be ended by an objection."),
        _("You may end the contract, or ask for a restriction or a deletion."),
    ),
    (Kind.OBJECTION, Reason.OTHERS): Refusal(
        _("There are compelling reasons for this use, which weigh more than yours, or a claim depends on it."),
        _("Tell us if your situation changes; then we weigh it anew."),
    ),
    (Kind.WITHDRAWAL, Reason.NOT_COVERED): Refusal(
        _("What you named does not rest on a consent, so there is none to be taken back."),
        _("You may object to it instead, or ask us to restrict it."),
    ),
    (Kind.COMPLAINT, Reason.UNFOUNDED): Refusal(
        _("We found nothing in your complaint that we could look into."),
        _("Tell us what happened, when, and to which data; then we look into it again."),
    ),
    (Kind.COMPLAINT, Reason.EXCESSIVE): Refusal(
        _("You complained about the same before, and our answer is still the same."),
        _("Tell us what is new, or what the last answer left open."),
    ),
    (Kind.COMPLAINT, Reason.NOT_COVERED): Refusal(
        _("Your complaint is not about how we handle personal data."),
        _("Write to our support, who can help with everything else."),
    ),
    (Kind.CHILD, Reason.IDENTITY): Refusal(
        _("We could not make sure that you may speak for the child."),
        _("Ask from the e-mail address that we have on file, or write to us how you are related."),
    ),
    (Kind.CHILD, Reason.NOT_COVERED): Refusal(
        _("We found no account of a child that fits what you told us."),
        _("Tell us the address or the organisation of the account, and we look again."),
    ),
}

# Who hears complaints, by whose law applies (GDPR Art. 12(4) and 77 to 79, and what corresponds to them elsewhere).
AUTHORITIES: dict[str, Promise] = {
    Regime.EU: _(
        "You may complain to the data protection authority of the country where you live or work, or where it happened"
        " (edpb.europa.eu names them all), and you may go to court."
    ),
    Regime.UK: _("You may complain to the Information Commissioner's Office (ico.org.uk), and you may go to court."),
    Regime.CALIFORNIA: _(
        "You may complain to the California Privacy Protection Agency (cppa.ca.gov) or to the Attorney General"
        " (oag.ca.gov)."
    ),
    Regime.BRAZIL: _("You may petition the national authority, the ANPD (gov.br/anpd), and you may go to court."),
    Regime.CANADA: _(
        "You may complain to the Privacy Commissioner of Canada (priv.gc.ca), and after the Commissioner's report go to"
        " the Federal Court."
    ),
    Regime.OTHER: _("You may complain to your data protection authority, or go to court."),
}


def refusal_of(kind: str, reason: str) -> Refusal | None:
    """The words of a refusal; None while there is no reason."""
    return (OF_KIND.get((kind, reason)) or GENERAL[reason]) if reason else None


def authority_of(regime: str) -> Promise:
    """Who else hears a complaint. LookupError for a regime that nobody thought about."""
    return AUTHORITIES[regime]
