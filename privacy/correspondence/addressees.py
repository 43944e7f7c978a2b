"""Whose address a mail goes to. It is read at the moment of sending and stored with no mail.

What could go wrong: a mail to a recipient, a customer or a colleague goes to the person instead, or the other way
round. Each addressee has one function here that knows its address; a mail whose addressee has none left is cancelled.
"""

from collections.abc import Callable

from privacy.models import Message

Find = Callable[[Message], str]
_finders: dict[str, Find] = {}


def addresses(addressee: str) -> Callable[[Find], Find]:
    """Register who knows the address; "" from it means that there is nobody left to write to."""

    def register(find: Find) -> Find:
        _finders[addressee] = find
        return find

    return register


def address_of(message: Message) -> str:
    """Where this mail goes, as of now. KeyError for an addressee that nobody registered."""
    return _finders[message.addressee](message)


@addresses(Message.Addressee.PERSON)
def _person(message: Message) -> str:
    return message.request.person.email


@addresses(Message.Addressee.RECIPIENT)
def _recipient(message: Message) -> str:
    return message.recipient.contact_email if message.recipient else ""


@addresses(Message.Addressee.COLLEAGUE)
def _colleague(message: Message) -> str:
    return message.colleague.email if message.colleague and message.colleague.is_active else ""


@addresses(Message.Addressee.NEW_MAILBOX)
def _new_mailbox(message: Message) -> str:
    """The address that is proposed, while it is; it may have been changed, or proven, since the mail was queued."""
    correction = message.correction
    return (correction.proposed or "") if correction is not None and correction.proven_at is None else ""
