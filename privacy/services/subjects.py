"""Whose data a request is about: usually whoever asks; for a report, the account that was reported.

What could go wrong: a report erases the reporter, or hands the reporter's own data to an officer who looks for a
child's. So every step asks here, with the request in hand, and never the person who asked.
"""

from dataclasses import dataclass

from consent.accounts import visitors_of
from crasme.crm.models import Account
from crasme.kit.datamap import Subject
from privacy import rows
from privacy.models import Person, Request
from privacy.services.people import lock, still_theirs


@dataclass(frozen=True, slots=True)
class About:
    """The account, if one was found; its address; and the row of this mailbox among the people who asked, if any."""

    account: Account | None
    address: str
    person: Person | None
    request: Request | None = None  # where that is whoever asks

    @property
    def account_id(self) -> object:
        return self.account.pk if self.account else None

    @property
    def whole(self) -> Subject:
        """Everything that is known to be this human being: for finding and for copies."""
        # Browsers that were used with other accounts as well may be somebody else's.
        browsers = visitors_of(self.account.pk, alone=True) if self.account else []
        person = self.person.pk if self.person else None
        return Subject.of(account=self.account_id, email=self.address, person=person, visitor=browsers or None)

    @property
    def erasable(self) -> Subject:
        """The same without what this room needs until the answer has been sent (privacy.services.people.forget)."""
        return Subject.of(account=self.account_id, email=self.address)

    @property
    def still_theirs(self) -> bool:
        """Whether the account that was found is still this human being's."""
        if self.account is None:
            return True
        if self.request is not None:
            return still_theirs(self.request)
        return Account.objects.present().by_email(self.address).filter(pk=self.account.pk).exists()

    def lock(self) -> None:
        """Until the end of the transaction nobody else registers a copy of this person, or erases them."""
        if self.person is not None:
            lock(self.person)


def about(request: Request) -> About:
    """As of now: read it again inside of the transaction that acts on it."""
    if request.kind == Request.Kind.CHILD:
        return _reported(request)
    return About(rows.account(request), request.person.email, request.person, request)


def _reported(request: Request) -> About:
    report = getattr(request, "child_report", None)
    if report is None or not report.address:
        return About(None, "", None)
    return About(report.account, report.address, Person.objects.by_email(report.address).first())
