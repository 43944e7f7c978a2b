"""No answer goes out over a letter that nobody has read.

What could go wrong: a person takes something back, and the copy goes out or the data goes away over the unread letter,
or one more comes in between the page and the button. So whatever decides asks here, with the request locked, by
whichever door it came; a page of the admin marks as read what it has shown.
"""

from django.utils.translation import gettext as _

from privacy.errors import UnreadMail
from privacy.models import Message, Request


def require_read(request: Request) -> None:
    """UnreadMail while something has come in that nobody has looked at."""
    if Message.objects.of_conversation(request).unread().exists():
        raise unread()


def unread() -> UnreadMail:
    """What is said where something is unread: by a refusal, and by a form that asks for the tick."""
    return UnreadMail(_("Something came in that nobody has read yet."))
